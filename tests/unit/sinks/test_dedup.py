"""Which rows are duplicates, by headers or, where they are missing, by the value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.identity import DUPLICATE_WINDOW_MS
from schemas.topics import COST, OUTCOMES, QUALITY
from sinks.rows.dedup import SeenWindow
from sinks.rows.row_reader import reader_of
from tests.sql.rig.log import T0, cost_event, on_log, outcome_event, quality_event

Events = list[dict[str, Any]]


def marks(topic: str, events: Events, *, headers: bool = True) -> list[int]:
    window, repeats = SeenWindow(), reader_of(topic).repeats
    records = on_log(topic, events)
    if not headers:
        records = [replace(each, headers=(), key=None) for each in records]
    return [repeats.mark(record, window) for record in records]


@pytest.mark.parametrize("headers", [True, False])
def test_the_end_of_a_hop_counts_once_and_a_start_never_repeats(headers: bool) -> None:
    events = [
        outcome_event("started"),
        outcome_event("started"),
        outcome_event("escalated", hop=0),
        outcome_event("escalated", hop=0),
        outcome_event("replied", hop=1),
        outcome_event("replied", hop=1),
        outcome_event("replied", request_id="another"),
    ]

    assert marks(OUTCOMES, events, headers=headers) == [0, 0, 0, 1, 0, 1, 0]


def test_after_the_terminal_record_every_end_is_a_duplicate() -> None:
    events = [outcome_event("failed", hop=1), outcome_event("escalated", hop=0)]

    assert marks(OUTCOMES, [*events, outcome_event("replied", hop=2)]) == [0, 1, 1]


def test_a_parked_hop_returns_as_its_next_visit() -> None:
    events = [
        outcome_event("parked", visit=0),
        outcome_event("parked", visit=1),
        outcome_event("parked", visit=1),
        outcome_event("replied", visit=2),
    ]

    assert marks(OUTCOMES, events) == [0, 0, 1, 0]


def test_another_tenants_request_of_the_same_id_is_another() -> None:
    assert marks(OUTCOMES, [outcome_event(), outcome_event(tenant="other")]) == [0, 0]


def test_the_same_id_is_a_new_request_after_fifteen_minutes() -> None:
    events = [outcome_event(at=T0), outcome_event(at=T0 + DUPLICATE_WINDOW_MS + 1)]

    assert marks(OUTCOMES, events) == [0, 0]


@pytest.mark.parametrize("headers", [True, False])
def test_a_second_row_of_a_call_is_a_repeat(headers: bool) -> None:
    events = [
        cost_event("a", status="interrupted"),
        cost_event("a", cost_nano=5),
        cost_event("b"),
    ]

    assert marks(COST, events, headers=headers) == [0, 1, 0]


def test_signals_are_never_repeats() -> None:
    assert marks(QUALITY, [quality_event(), quality_event()]) == [0, 0]


@pytest.mark.parametrize("headers", [True, False])
def test_a_record_of_an_unknown_kind_is_no_end_of_a_hop(headers: bool) -> None:
    events = [
        outcome_event("reserved", hop=0),
        outcome_event("reserved", hop=0),
        outcome_event("replied", hop=0),
    ]

    assert marks(OUTCOMES, events, headers=headers) == [0, 0, 0]


def test_a_null_call_id_header_leaves_it_to_the_value() -> None:
    (first, second) = on_log(COST, [cost_event("c1"), cost_event("c1")])
    window, repeats = SeenWindow(), reader_of(COST).repeats
    without = replace(second, headers=(("call-id", None),))  # type: ignore[arg-type]

    assert [repeats.mark(each, window) for each in (first, without)] == [0, 1]
