"""Each arm by itself, recomputed in plain Python from the lives on the log."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

import pytest

from tests.sql.rig.asking import Row, RunQuery, history, mean, quantile, same
from tests.sql.rig.lives import HOUR, Life, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR
LIVES = draw_lives(160, seed=77)


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    with history(clickhouse, "arms_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _liking(life: Life) -> float | None:
    scores = [each.score for each in life.signals if each.signal == "feedback"]
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None


def _arm(lives: list[Life]) -> Row:
    replied = [life for life in lives if life.status == "replied"]
    priced = [life.nano for life in lives if life.nano is not None]
    both = [
        (life.baseline_nano, life.nano)
        for life in lives
        if life.baseline_nano is not None and life.nano is not None
    ]
    sure = [life.answered_by.confidence for life in replied if life.answered_by]
    liked = [liking for life in lives if (liking := _liking(life)) is not None]
    times = [life.latency_ms for life in replied]
    baseline = sum(spent_by_baseline for spent_by_baseline, _ in both)
    return {
        "users": len({(life.tenant, life.user_id) for life in lives}),
        "requests": len(lives),
        "replied_share": len(replied) / len(lives),
        "cost_mean": sum(priced) / 1e9 / len(priced) if priced else None,
        "unknown_cost": len(lives) - len(priced),
        "saved_share": (baseline - sum(cost for _, cost in both)) / baseline if baseline else None,
        "p50": quantile(times, 0.5),
        "p95": quantile(times, 0.95),
        "confidence": mean([each for each in sure if each is not None]),
        "feedback": mean(liked),
        "feedbacks": len(liked),
        "escalated_share": sum(len(life.hops) > 1 for life in lives) / len(lives),
    }


def test_experiment_arms(run_query: RunQuery) -> None:
    ended = [life for life in LIVES if life.experiment and SINCE <= life.ended_at < UNTIL]
    rows = [
        {"experiment": "thresholds", "arm": arm} | _arm([x for x in ended if x.arm == arm])
        for arm in ("a", "b")
    ]
    assert all(row["feedbacks"] and row["unknown_cost"] for row in rows)
    same(run_query("experiment_arms"), rows, "arm")
    assert run_query("experiment_arms", experiment="another") == []
