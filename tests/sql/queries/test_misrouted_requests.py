"""Answers below the bar among requests known to need a higher tier, recomputed in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

import pytest

from tests.sql.rig.asking import Row, RunQuery, history, same
from tests.sql.rig.lives import HOUR, TIERS, Life, Signal, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR


def _lives() -> list[Life]:
    """Lives of which two in three are labelled, some twice, some without a score."""
    lives = draw_lives(150, seed=17)
    for life in lives:
        if life.number % 3 == 0:
            continue
        for again in range(1 + (life.number % 5 == 0)):
            score = None if life.number % 7 == 0 else ((life.number * 37 + again * 11) % 100) / 100
            life.signals.append(
                Signal(
                    signal="feedback", at=life.ended_at + 10 + again, tier=None, score=score,
                    passed=None, label=f"needs:{TIERS[life.number % len(TIERS)]}",
                )
            )  # fmt: skip
    return lives


LIVES = _lives()


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the history."""
    with history(
        clickhouse, "misrouted_requests_of_a_history", LIVES, since=SINCE, until=UNTIL
    ) as put:
        yield put


def expected(first: str, below: float) -> list[Row]:
    groups: dict[str, list[tuple[Life, float | None]]] = defaultdict(list)
    for life in LIVES:
        words = [each for each in life.signals if (each.label or "").startswith("needs:")]
        if not words or not SINCE <= life.ended_at < UNTIL:
            continue
        scores = [each.score for each in words if each.score is not None]
        needed = (words[-1].label or "").removeprefix("needs:")
        for name in [needed] if needed == first else [needed, ""]:
            groups[name].append((life, fmean(scores) if scores else None))
    return [
        {
            "needs": name,
            "requests": len(group),
            "on_first": sum(life.hops[-1].tier == first for life, _ in group),
            "scored": (scored := sum(score is not None for _, score in group)),
            "below_bar": (low := sum(score is not None and score < below for _, score in group)),
            "rate": low / scored if scored else None,
        }
        for name, group in sorted(groups.items())
    ]


@pytest.mark.parametrize("below", ["0.7", "0.2"])
def test_the_sum_and_every_tier_equal_a_recount(run_query: RunQuery, below: str) -> None:
    same(run_query("misrouted_requests", below=below), expected("simple", float(below)), "needs")


def test_another_first_tier_may_be_named(run_query: RunQuery) -> None:
    same(run_query("misrouted_requests", first="moderate"), expected("moderate", 0.7), "needs")


def test_the_former_name_of_the_query_is_accepted(run_query: RunQuery) -> None:
    assert run_query("undershot") == run_query("misrouted_requests")
