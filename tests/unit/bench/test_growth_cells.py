"""Cells of the growth bench: one dimension grows, and the choice of models stays."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import orjson
import pytest

from schemas.request import read_request
from streams.registry.version import parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from tests.bench import growth
from tests.bench.growth_cells import (
    BASE,
    CELLS,
    Setup,
    registry_of,
    requests_of,
    smaller,
    write_answers,
)

_ADDRESS = "http://127.0.0.1:1"
_SIZES = {"warm_up", "requests"}


def _parsed(setup: Setup):  # type: ignore[no-untyped-def]
    return parse_registry(registry_of(setup).replace("{simulator}", _ADDRESS)).snapshot


@pytest.mark.parametrize(
    "name", [name for name in CELLS if "-no-" not in name and "workers" not in name]
)
def test_a_cell_changes_at_most_one_dimension_of_the_base(name: str) -> None:
    changed = {
        field.name
        for field in fields(Setup)
        if getattr(CELLS[name], field.name) != getattr(CELLS[BASE], field.name)
    }
    assert len(changed - _SIZES) == (0 if name == BASE else 1)


@pytest.mark.parametrize(
    "setup", [CELLS[BASE], CELLS["models-500"], CELLS["tiers-6"], Setup(tiers=6, models=500)]
)
def test_a_grown_registry_is_valid_and_routes_as_the_base_does(setup: Setup) -> None:
    base, grown = _parsed(CELLS[BASE]), _parsed(setup)
    assert len(grown.models) == setup.models
    assert tuple(grown.tiers) == setup.tier_names
    context = DecisionContext(now=1, time_left_ms=600_000)
    make = requests_of(setup, "run")
    for number in range(60):
        subject = RoutingRequest.of(read_request(make(number)), "default")
        assert decide(subject, grown, context).tier == decide(subject, base, context).tier


def test_budgets_are_left_out_of_the_cells_that_say_so() -> None:
    assert "budgets" in registry_of(CELLS["workers-4"])
    assert "budgets" not in registry_of(CELLS["workers-4-no-budgets"])


def test_requests_take_the_tenants_in_turn() -> None:
    make = requests_of(Setup(tenants=3), "run")
    assert [make(number)["tenant"] for number in range(4)] == [
        "tenant-0",
        "tenant-1",
        "tenant-2",
        "tenant-0",
    ]
    assert make(3)["request_id"] == "run-3"


def test_answers_have_the_size_of_the_setup(tmp_path: Path) -> None:
    assert write_answers(Setup(), tmp_path) == ()
    option, file = write_answers(Setup(answer_kb=100), tmp_path)
    lines = [orjson.loads(line) for line in Path(file).read_bytes().splitlines()]
    assert option == "--answers"
    assert {len(one["text"]) for line in lines for one in line["answers"].values()} == {100_000}


def test_a_worker_has_slots_for_all_that_is_in_flight() -> None:
    assert CELLS["in-flight-1024"].worker_env["SLUICE_SLOTS_PER_TIER"] == "1024"
    assert CELLS["in-flight-32"].worker_env["SLUICE_SLOTS_PER_TIER"] == "256"


def test_a_quick_cell_is_the_same_with_fewer_requests() -> None:
    quick = smaller(CELLS["tenants-10000"])
    assert (quick.tenants, quick.warm_up, quick.requests) == (10_000, 100, 500)


def test_rounds_of_a_cell_become_medians_in_the_order_of_the_cells() -> None:
    def found(value: float) -> growth.Found:
        return dict.fromkeys(growth.COLUMNS, value)

    known = {"tiers-6": [found(1.0)], BASE: [found(3.0), found(1.0), found(2.0)], "workers-2": []}
    medians = growth.medians(known)
    assert list(medians) == [BASE, "tiers-6"]
    assert medians[BASE] == found(2.0)
