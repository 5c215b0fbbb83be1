"""Labels in the tables, recomputed in plain Python: which answer a signal belongs to, and which of
several signals counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from statistics import fmean

import pytest

from tests.sql.rig.asking import Row, RunQuery, history, same, time_of
from tests.sql.rig.lives import DAY, HOUR, MODELS, TIERS, Call, Life, Signal, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 5 * DAY
TRUST = ("golden", "feedback", "judge")


def _lives() -> list[Life]:
    """Lives of which some had a shadow call to another tier, were judged there, and keep their
    prompt.
    """
    lives = draw_lives(240, seed=31)
    for life in lives:
        if life.number % 2:
            life.prompt = f"What is {life.number}?"
        if life.number % 6 == 1 and life.status == "replied":
            _shadow(life, "ok" if life.number % 12 == 1 else "timeout")
    return lives


def _shadow(life: Life, status: str) -> None:
    tier = TIERS[(TIERS.index(life.hops[-1].tier) + 1) % 3]
    model, provider = MODELS[tier]
    call = Call(
        call_id=f"s{life.number}", tier=tier, model=model, provider=provider, instance="east",
        status=status, at=life.ended_at + 50, nano=5_000, latency_ms=9.0, purpose="shadow",
        propensity=0.05 + life.number / 1000,
    )  # fmt: skip
    life.others.append(call)
    # The tier in the judge's signal is wrong here: the call that it names counts.
    life.signals.append(
        Signal(signal="judge", at=life.ended_at + 90, tier="simple" if status == "ok" else tier,
               score=0.25, passed=None, model=model, call_id=call.call_id)
    )  # fmt: skip


LIVES = _lives()


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    """Runs a query on a database with the history."""
    with history(clickhouse, "labels_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _about(life: Life, signal: Signal) -> tuple[str, str, float | None] | None:
    """Tier, model and propensity of the answer that a signal is about."""
    if signal.signal != "judge":
        answered = life.answered_by
        if life.status != "replied" or answered is None:
            return None
        return answered.tier, MODELS[answered.tier][0], None
    for call in life.calls:
        if call.call_id == signal.call_id and call.known_status == "ok":
            return call.tier, call.model, call.propensity
    return (signal.tier or "", signal.model, None) if signal.model else None


def _expected() -> list[Row]:
    rows = []
    for life in LIVES:
        if not SINCE <= life.ended_at < UNTIL:
            continue
        found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(
            lambda: defaultdict(list)
        )
        drawn: dict[tuple[str, str], float] = {}
        for signal in life.signals:
            about = _about(life, signal)
            if signal.signal in TRUST and signal.score is not None and about is not None:
                tier, model, propensity = about
                found[tier, model][signal.signal].append(signal.score)
                if propensity is not None:
                    drawn[tier, model] = propensity
        for (tier, model), scores in found.items():
            kind = next(each for each in TRUST if each in scores)
            rows.append(
                {
                    "tenant": life.tenant, "request_id": life.request_id,
                    "requested_at": time_of(life.requested_at), "tier": tier, "model": model,
                    "signal": kind, "score": fmean(scores[kind]), "signals": len(scores[kind]),
                    "propensity": drawn.get((tier, model)), "topic": "llm.requests.v1",
                    "partition": 0, "offset": life.number, "prompt": life.prompt or "",
                }
            )  # fmt: skip
    return rows


def test_the_history_contains_the_hard_cases_of_labelling() -> None:
    rows = _expected()
    several = [life for life in LIVES if {"golden", "judge"} <= {s.signal for s in life.signals}]

    assert {row["signal"] for row in rows} == set(TRUST)
    assert any(row["propensity"] for row in rows)
    assert several
    assert any(
        life.answered_by is not None and life.answered_by is not life.hops[-1]
        for life in LIVES
        if life.signals
    )
    ids = [(row["tenant"], row["request_id"], row["requested_at"]) for row in rows]
    assert len(ids) > len(set(ids)), "some requests have labels of two tiers"


def test_each_judged_answer_is_a_label_of_its_most_trusted_signal(run_query: RunQuery) -> None:
    same(run_query("labels"), _expected(), "requested_at", "tier", "model")
