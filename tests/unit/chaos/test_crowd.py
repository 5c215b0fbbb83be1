"""The summary of an overload: answered requests, delays, and violations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.chaos.crowd import Crowd, Waited, overload_faults
from tests.soak.samples import Sample

ANSWERED = Waited(is_best=False, status="replied", ms=1_000.0, deadline_ms=20_000)
BEST = replace(ANSWERED, is_best=True)
REJECTED = Waited(is_best=False, status="no_capacity", ms=21_000.0, deadline_ms=20_000)
CALM = Crowd(waited=[ANSWERED] * 10)
FLAT = [Sample(at_s=float(at), memory_mb={"worker-1": 100.0}, lag={}) for at in range(40)]


def test_times_are_of_answers_and_lateness_counts_from_the_deadline() -> None:
    late = replace(ANSWERED, ms=22_500.0)
    seen = Crowd(waited=[*[ANSWERED] * 98, late, REJECTED])

    assert seen.percentile_s(0.5) == 1.0
    assert seen.latest_s(answered=True) == 2.5
    assert seen.latest_s(answered=False) == 1.0
    assert seen.statuses == {"replied": 99, "no_capacity": 1}


def test_a_correctly_served_crowd_has_no_findings() -> None:
    seen = Crowd(waited=[BEST, BEST, ANSWERED, REJECTED])

    assert overload_faults(seen, CALM, CALM, FLAT) == []


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        (
            replace(ANSWERED, ms=24_000.0, is_degraded=True),
            "1 answers came after their deadline, 1 of them the best that was seen, the latest "
            "4.0 s after",
        ),
        (Waited(is_best=False, status="none", ms=None, deadline_ms=1), "1 requests have no reply"),
    ],
)
def test_a_late_or_missing_answer_is_a_finding(more: Waited, finding: str) -> None:
    assert finding in overload_faults(Crowd(waited=[BEST, BEST, REJECTED, more]), CALM, CALM, FLAT)


def test_violated_priority_is_a_finding() -> None:
    seen = Crowd(waited=[ANSWERED, replace(REJECTED, is_best=True)])

    assert overload_faults(seen, CALM, CALM, FLAT) == [
        "of the best 0% were answered, of the others 100%"
    ]


def test_lasting_slowness_and_growing_memory_are_findings() -> None:
    slow = Crowd(waited=[replace(ANSWERED, ms=2_500.0)] * 10)
    growing = [
        Sample(at_s=float(at), memory_mb={"worker-1": 100.0 + at, "kafka": 100.0 + at}, lag={})
        for at in range(40)
    ]
    found = overload_faults(Crowd(waited=[BEST, REJECTED]), CALM, slow, growing)

    assert found[0].startswith("memory of worker-1 grew")
    assert found[1:] == ["the median was 1.00 s before, 2.50 s after"]
