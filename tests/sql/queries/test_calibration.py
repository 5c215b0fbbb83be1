"""Confidence compared with later scores, recomputed in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import sqrt
from statistics import fmean, stdev

import pytest

from tests.sql.rig.asking import Row, RunQuery, history, mean, same
from tests.sql.rig.lives import DAY, HOUR, Life, Signal, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 7 * DAY
LIVES = draw_lives(300, seed=21)
Z = 1.959963984540054


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the history."""
    with history(clickhouse, "confidence_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _scores(life: Life, signal: str) -> list[float]:
    found = (each.score for each in life.signals if each.signal == signal)
    return [score for score in found if score is not None]


def _quality(life: Life, stated: Signal, only: str) -> float | None:
    """The later score of the answer: golden, else feedback, else judges."""
    answered, last = life.answered_by, life.hops[-1].tier
    sent = answered is not None and stated.tier == (answered.tier if stated.model else last)
    for signal in ("golden", "feedback"):
        scores = _scores(life, signal)
        if scores and sent and only in {"any", signal}:
            return fmean(scores)
    judges = [
        each.score
        for each in life.signals
        if each.signal == "judge"
        and each.score is not None
        and each.tier == stated.tier
        and each.at > stated.at
    ]
    return mean(judges) if only in {"any", "judge"} else None


def _expected(bins: int, only: str) -> list[Row]:
    groups: dict[tuple[str, str], dict[int, list[tuple[float, float | None]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for life in LIVES:
        if not (life.ended_at >= SINCE and life.requested_at < UNTIL):
            continue
        for stated in life.signals:
            if stated.signal != "cascade_confidence" or not SINCE <= stated.at < UNTIL:
                continue
            assert stated.score is not None
            place = min(int(stated.score * bins), bins - 1)
            quality = _quality(life, stated, only)
            groups[stated.tier or "", stated.model or ""][place].append((stated.score, quality))
    rows = []
    for (tier, model), binned in groups.items():
        own = [_bin(place, bins, found) for place, found in binned.items()]
        judged = sum(row["judged"] for row in own)
        off = sum(row["judged"] * abs(row["off"]) for row in own if row["off"] is not None)
        of_model = {"model_judged": judged, "ece": off / judged if judged else None}
        rows += [{"tier": tier, "model": model} | row | of_model for row in own]
    return rows


def _bin(place: int, bins: int, found: list[tuple[float, float | None]]) -> Row:
    known = [(sure, good) for sure, good in found if good is not None]
    sure, good = mean([each for each, _ in known]), mean([each for _, each in known])
    row: Row = {
        "bin_from": place / bins, "bin_to": (place + 1) / bins, "answers": len(found),
        "judged": len(known), "confidence": sure, "quality": good, "off": None,
        "low": None, "high": None,
    }  # fmt: skip
    if sure is not None and good is not None:
        row["off"] = good - sure
        if len(known) > 1:
            reach = Z * stdev(each for _, each in known) / sqrt(len(known))
            row["low"], row["high"] = max(good - reach, 0.0), min(good + reach, 1.0)
    return row


def test_the_history_contains_the_hard_cases_of_judging() -> None:
    judges = [(life, each) for life in LIVES for each in life.signals if each.signal == "judge"]
    rows = _expected(10, "any")

    assert any(each.call_id is None for _, each in judges)
    assert any(each.score is None for _, each in judges)
    assert any(len(_scores(life, "golden")) and len(_scores(life, "feedback")) for life in LIVES)
    assert any(row["judged"] == 0 and row["quality"] is None for row in rows)
    assert any(row["low"] is not None for row in rows)


@pytest.mark.parametrize("only", ["any", "golden", "feedback", "judge"])
def test_confidence_is_compared_with_later_scores(run_query: RunQuery, only: str) -> None:
    same(run_query("calibration", signal=only), _expected(10, only), "tier", "model", "bin_from")


def test_the_number_of_bins_is_a_parameter(run_query: RunQuery) -> None:
    same(run_query("calibration", bins="4"), _expected(4, "any"), "tier", "model", "bin_from")
