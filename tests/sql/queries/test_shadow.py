"""Pairs of a sent answer and a shadow's, recomputed in plain Python with their weights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import pytest

from tests.sql.rig.asking import Row, RunQuery, history, same
from tests.sql.rig.lives import DAY, HOUR, MODELS, TIERS, Call, Life, Signal, draw_lives
from tests.sql.rig.log import T0
from tests.sql.rig.small_history import unknown, usd

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 5 * DAY
Z = 1.959963984540054


def _lives() -> list[Life]:
    """Lives of which a third had a shadow call to another tier, some of which failed first."""
    lives = draw_lives(240, seed=41)
    for life in lives:
        if life.number % 3 == 0 and life.answered_by is not None and life.status == "replied":
            if life.number % 4 == 0:
                _shadow(life, f"f{life.number}", "timeout", nano=None)
            if life.number % 5:
                _shadow(life, f"s{life.number}", "ok", nano=life.number * 1_000 + 1)
    return lives


def _shadow(life: Life, call_id: str, status: str, nano: int | None) -> None:
    given = life.answered_by
    assert given is not None
    tier = TIERS[(TIERS.index(given.tier) + 1) % 3]
    model, provider = MODELS[tier]
    if status == "ok" and life.number % 7 == 0:
        nano = None
    call = Call(
        call_id=call_id, tier=tier, model=model, provider=provider, instance="east",
        status=status, at=life.ended_at + 50 + 10 * len(life.others), nano=nano, latency_ms=9.0,
        purpose="shadow", propensity=(0.02, 0.1, 0.25)[life.number % 9 // 3],
    )  # fmt: skip
    life.others.append(call)
    if status == "ok" and life.number % 2:
        own = given.calls[-1].call_id
        for about, score in ((own, life.number % 8 / 7), (call_id, life.number % 10 / 9)):
            life.signals.append(
                Signal(signal="judge", at=call.at + 5, tier=None, score=score, passed=None,
                       call_id=about)
            )  # fmt: skip
        below = TIERS.index(given.tier) < TIERS.index(tier)
        life.signals.append(
            Signal(signal="agreement", at=call.at + 5, tier=None, score=life.number % 4 / 4,
                   passed=None, call_id=own if below else call_id)
        )  # fmt: skip


LIVES = _lives()


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the history."""
    with history(clickhouse, "shadows_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


@dataclass(frozen=True, kw_only=True)
class _Pair:
    weight: float
    alike: float | None
    sent: float | None
    shadow: float | None
    sent_cost: int | None
    shadow_cost: int | None


def _mean_score(life: Life, signal: str, call: Call) -> float | None:
    scores = [
        each.score
        for each in life.signals
        if (each.signal, each.call_id) == (signal, call.call_id) and each.score is not None
    ]
    return fmean(scores) if scores else None


def _pair(life: Life, shadow: Call) -> _Pair:
    assert life.answered_by is not None
    assert shadow.propensity is not None
    sent = life.answered_by.calls[-1]
    alike = _mean_score(life, "agreement", shadow)
    return _Pair(
        weight=min(1 / shadow.propensity, 20),
        alike=_mean_score(life, "agreement", sent) if alike is None else alike,
        sent=_mean_score(life, "judge", sent),
        shadow=_mean_score(life, "judge", shadow),
        sent_cost=sent.known_nano,
        shadow_cost=shadow.known_nano,
    )


def _mean(values: list[tuple[float, float]]) -> float | None:
    """By weights, which come first."""
    total = sum(weight for weight, _ in values)
    return sum(weight * value for weight, value in values) / total if total else None


def _expected() -> list[Row]:
    pairs: dict[tuple[str, str], list[_Pair]] = defaultdict(list)
    calls: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for life in LIVES:
        shadows = [call for call in life.others if call.purpose == "shadow"]
        if not SINCE <= life.ended_at < UNTIL or not shadows or life.answered_by is None:
            continue
        key = life.answered_by.tier, shadows[-1].tier
        calls[key] += shadows
        pairs[key] += [_pair(life, call) for call in shadows if call.status == "ok"]
    return [_row(key, calls[key], pairs[key]) for key in calls]


def _row(key: tuple[str, str], calls: list[Call], pairs: list[_Pair]) -> Row:
    judged = [
        (each.weight, each.sent, each.shadow)
        for each in pairs
        if each.sent is not None and each.shadow is not None
    ]
    paid = [
        (each.weight, each.sent_cost / 1e9, each.shadow_cost / 1e9)
        for each in pairs
        if each.sent_cost is not None and each.shadow_cost is not None
    ]
    gain = _mean([(weight, after - before) for weight, before, after in judged])
    row: Row = {
        "sent_tier": key[0], "shadow_tier": key[1], "calls": len(calls), "pairs": len(pairs),
        "spent": usd(call.known_nano for call in calls),
        "unknown_cost": unknown(call.known_nano for call in calls),
        "agreement": _mean([(p.weight, p.alike) for p in pairs if p.alike is not None]),
        "judged": len(judged),
        "sent_score": _mean([(weight, before) for weight, before, _ in judged]),
        "shadow_score": _mean([(weight, after) for weight, _, after in judged]),
        "gain": gain, "low": None, "high": None,
        "sent_cost": _mean([(weight, before) for weight, before, _ in paid]),
        "shadow_cost": _mean([(weight, after) for weight, _, after in paid]),
    }  # fmt: skip
    if gain is not None and len(judged) > 1:
        off = sum((weight * (after - before - gain)) ** 2 for weight, before, after in judged)
        reach = Z * sqrt(len(judged) / (len(judged) - 1) * off) / sum(w for w, *_ in judged)
        row["low"], row["high"] = gain - reach, gain + reach
    return row


def test_the_history_contains_the_hard_cases_of_pairing() -> None:
    rows = _expected()

    assert len(rows) == 3
    assert any(row["calls"] > row["pairs"] for row in rows)
    assert all(row["judged"] < row["pairs"] for row in rows)
    assert any(row["low"] is not None for row in rows)
    assert any(row["unknown_cost"] for row in rows)


def test_answers_of_other_tiers_are_compared_with_the_sent_ones(run_query: RunQuery) -> None:
    same(run_query("shadow"), _expected(), "sent_tier", "shadow_tier")
