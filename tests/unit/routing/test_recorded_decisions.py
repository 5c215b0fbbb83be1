"""Recorded decisions do not change under an unchanged code version."""

from __future__ import annotations

from collections import Counter

from streams.routing.decision import CODE_VERSION
from tests.recorded.deciding import KINDS, registry_names
from tests.recorded.record import changed, recorded

LEAST = 400


def test_every_recorded_decision_is_decided_again() -> None:
    version, cases = recorded()
    moved = [case["id"] for case, _ in changed(cases)]
    assert not moved or version != CODE_VERSION, (
        f"{len(moved)} recorded decisions changed under code version {version}, first {moved[0]}. "
        "Replays promise the same decisions within a version: raise CODE_VERSION in "
        "streams/routing/decision.py, then run `python -m tests.recorded.record`."
    )
    assert version == CODE_VERSION, (
        f"the record is of code version {version}, the code is {CODE_VERSION}: "
        "run `python -m tests.recorded.record` and commit the record"
    )


def test_the_record_covers_every_kind_of_decision_and_every_registry() -> None:
    _, cases = recorded()
    assert len(cases) >= LEAST
    assert Counter(case["kind"] for case in cases).keys() == KINDS.keys()
    assert {case["registry"] for case in cases} == set(registry_names())
    assert len({case["id"] for case in cases}) == len(cases)


def test_the_record_holds_differing_outcomes() -> None:
    _, cases = recorded()
    starts = [case for case in cases if case["kind"] == "start"]
    tiers = Counter(case["expect"].get("tier") for case in starts)
    assert min(tiers[tier] for tier in ("simple", "moderate", "complex")) >= 40
    answers = [case["expect"] for case in cases if case["kind"] == "answer"]
    assert sum(each["next"] is None for each in answers) >= 20
    assert sum(each["next"] is not None for each in answers) >= 20
    verdicts = Counter(case["expect"].get("verdict") for case in cases if case["kind"] == "budget")
    assert min(verdicts[name] for name in ("allowed", "downgrade", "rejected")) >= 3
