"""The cells of the growth bench: one setup, and what changes when one dimension of it grows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from infra.devstack.registry import local_registry
from infra.workload.sample import MODELS
from tests.bench.prompts import Make, make_requests

BASE = "base"
_SLOTS = 256
_WARM_UP, _REQUESTS = 300, 2_000
_QUESTIONS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """A pipeline's size. `answer_kb` of `None` means the answers of the sample workload.

    With `budgets` each tenant has one.
    """

    partitions: int = 4
    tiers: int = 3
    models: int = 10
    tenants: int = 10
    answer_kb: int | None = None
    in_flight: int = 256
    workers: int = 1
    budgets: bool = True
    warm_up: int = _WARM_UP
    requests: int = _REQUESTS

    @property
    def tier_names(self) -> tuple[str, ...]:
        """The default tiers; further ones are above them and start no request of the workload."""
        return (
            "simple",
            "moderate",
            "complex",
            *(f"more{number}" for number in range(4, self.tiers + 1)),
        )

    @property
    def worker_env(self) -> dict[str, str]:
        """Settings of its workers: slots for all that is in flight."""
        slots = str(max(_SLOTS, self.in_flight))
        return {"SLUICE_SLOTS_PER_TIER": slots, "SLUICE_CLASSIFY_SLOTS": slots}


CELLS: Mapping[str, Setup] = {
    BASE: Setup(),
    "partitions-12": Setup(partitions=12),
    "partitions-48": Setup(partitions=48),
    "tiers-6": Setup(tiers=6),
    "models-500": Setup(models=500),
    "tenants-10000": Setup(tenants=10_000, warm_up=10_000),
    "answers-1kB": Setup(answer_kb=1),
    "answers-100kB": Setup(answer_kb=100, warm_up=100, requests=600),
    "in-flight-32": Setup(in_flight=32),
    "in-flight-1024": Setup(in_flight=1_024, requests=3_000),
    "workers-1": Setup(partitions=12, requests=3_000),
    "workers-2": Setup(partitions=12, workers=2, requests=3_000),
    "workers-4": Setup(partitions=12, workers=4, requests=3_000),
    "no-budgets": Setup(budgets=False),
    "models-500-no-budgets": Setup(models=500, budgets=False),
    "workers-1-no-budgets": Setup(partitions=12, requests=3_000, budgets=False),
    "workers-4-no-budgets": Setup(partitions=12, workers=4, requests=3_000, budgets=False),
}
"""By name; each is the base with one dimension changed, `workers-N` at twelve partitions."""


def smaller(setup: Setup) -> Setup:
    """The same with fewer requests, for a first look."""
    return replace(setup, warm_up=min(setup.warm_up, 100), requests=setup.requests // 4)


def registry_of(setup: Setup) -> str:
    """The local registry, grown; `{simulator}` is a placeholder for the simulator's address.

    Further models cost more than those of the local registry, so that the same models are chosen.
    Each tenant has a limit, and a budget if the setup says so; neither is reached.
    """
    document: dict[str, Any] = yaml.safe_load(local_registry("http://simulator"))
    known: dict[str, Any] = document["models"]
    tiers = setup.tier_names
    document["tiers"] = list(tiers)
    high = document["policy"]["boundaries"]
    above = range(1, setup.tiers - 2)
    document["policy"]["boundaries"] = [*high, *(1 - 0.001 / 2**number for number in above)]
    template = known["gpt-4o"]
    for tier in tiers[3:]:
        known[f"{tier}-1"] = _model(template, tier)
    for number in range(len(known), setup.models):
        tier = tiers[number % len(tiers)]
        known[f"{tier}-model-{number}"] = _model(template, tier)
    document["tenants"] = {"*": {"requests_per_minute": 10_000_000, "concurrency": 100_000}}
    if setup.budgets:
        document["budgets"] = {
            "tenants": {"per": "tenant", "window": "day", "usd": 1_000_000, "then": "reject"}
        }
    return json.dumps(document).replace("http://simulator", "{simulator}")


def _model(template: Mapping[str, Any], tier: str) -> dict[str, Any]:
    return {**template, "tier": tier, "price": {"input": 200, "output": 800}}


def requests_of(setup: Setup, run: str) -> Make:
    """The bench's requests, over the setup's tenants in turn.

    Where answers have a size, the requests are questions with answers of that size, so that none is
    rejected and repeated.
    """
    plain = make_requests(run)

    def make(number: int) -> dict[str, Any]:
        request = {**plain(number), "tenant": f"tenant-{number % setup.tenants}"}
        if setup.answer_kb is None:
            return request
        return {
            "request_id": request["request_id"],
            "tenant": request["tenant"],
            "prompt": _question(number % _QUESTIONS),
        }

    return make


def write_answers(setup: Setup, folder: Path) -> Sequence[str]:
    """Options of the simulator for answers of the setup's size; none for those of the sample."""
    if setup.answer_kb is None:
        return ()
    file = folder / "answers.jsonl"
    with file.open("w") as out:
        for line in _answers(setup.answer_kb * 1_000):
            out.write(json.dumps(line) + "\n")
    return ("--answers", str(file))


def _answers(size: int) -> Iterator[dict[str, Any]]:
    for number in range(_QUESTIONS):
        sentences: list[str] = []
        while sum(map(len, sentences)) < size:
            sentences.append(_sentence(number, len(sentences)))
        text = "".join(sentences)[: size - 1] + "."
        yield {"prompt": _question(number), "answers": {model: {"text": text} for model in MODELS}}


def _question(number: int) -> str:
    return f"Describe how water boils on mountain number {number} of our list."


def _sentence(mountain: int, number: int) -> str:
    return (
        f"At {number * 3 + mountain} metres on mountain {mountain} the air is thinner, so that "
        f"water boils {number} steps earlier than at the sea. "
    )
