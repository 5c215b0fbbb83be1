"""Questions about how good answers are, recomputed in plain Python from the lives on the log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from schemas.records import UNDECIDED
from sinks.analytics.named_queries import question
from sinks.analytics.query_runner import ask
from sinks.settings import SinkSettings
from tests.sql.rig.asking import Row, RunQuery, between, history, mean, same, time_of
from tests.sql.rig.lives import DAY, HOUR, Life, Signal, draw_lives
from tests.sql.rig.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR
LIVES = draw_lives(200, seed=31)
for unsure in LIVES[::3]:
    if unsure.answered_by:
        unsure.answered_by.confidence = None  # as if the cascade had not judged the answer
Name = tuple[str, str]
"""Tenant and request id."""


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    with history(clickhouse, "quality_of_a_history", LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _name(life: Life) -> Name:
    return life.tenant, life.request_id


def _signals(since: int, until: int | None = None) -> list[tuple[Life, Signal]]:
    return [
        (life, each)
        for life in LIVES
        for each in life.signals
        if since <= each.at and (until is None or each.at < until)
    ]


def _ended() -> list[Life]:
    return [life for life in LIVES if SINCE <= life.ended_at < UNTIL]


def test_the_history_contains_the_hard_cases_of_judging() -> None:
    assert len({_name(life) for life in LIVES}) < len(LIVES)
    assert any(each.tier is None for _, each in _signals(SINCE, UNTIL))
    assert any(each.score is None and each.passed is None for _, each in _signals(SINCE))
    assert any(not life.signals for life in _ended())


def test_quality_by_tier(run_query: RunQuery) -> None:
    groups: dict[Name, list[tuple[Life, Signal]]] = defaultdict(list)
    for life, each in _signals(SINCE, UNTIL):
        known = life.hops[-1].tier if life.ended_at < UNTIL else ""
        groups[each.tier or known, each.signal].append((life, each))
    rows: list[Row] = []
    for (tier, signal), found in groups.items():
        scores = [each.score for _, each in found if each.score is not None]
        verdicts = [float(each.passed) for _, each in found if each.passed is not None]
        rows.append(
            {
                "tier": tier,
                "signal": signal,
                "requests": len({_name(life) for life, _ in found}),
                "signals": len(found),
                "score": mean(scores),
                "scored": len(scores),
                "passed_share": mean(verdicts),
                "verdicts": len(verdicts),
            }
        )
    judged = {_name(life) for life, _ in _signals(SINCE - DAY)}
    silent = [
        life
        for life in _ended()
        if life.status == "replied" and life.answered_by and _name(life) not in judged
        if life.answered_by.confidence is None
    ]
    assert silent
    rows += [_silent(tier, silent) for tier in {life.hops[-1].tier for life in silent}]
    same(run_query("quality_by_tier"), rows, "tier", "signal")


def _silent(tier: str, silent: list[Life]) -> Row:
    return {
        "tier": tier, "signal": "none", "requests": sum(x.hops[-1].tier == tier for x in silent),
        "signals": 0, "score": None, "scored": 0, "passed_share": None, "verdicts": 0,
    }  # fmt: skip


@pytest.mark.parametrize("below", [0.5, 0.25])
def test_misclassification(run_query: RunQuery, below: float) -> None:
    verdicts: dict[Name, list[tuple[str | None, bool]]] = defaultdict(list)
    for life, each in _signals(SINCE - DAY):
        if each.passed is not None:
            verdicts[_name(life)].append((each.tier, not each.passed))
        elif each.score is not None:
            verdicts[_name(life)].append((each.tier, each.score < below))
    rows: list[Row] = []
    decided = [life for life in _ended() if life.classifier != UNDECIDED]
    for tier in {life.hops[0].tier for life in decided}:
        lives = [life for life in decided if life.hops[0].tier == tier]
        opinions = [
            [
                bad
                for of_tier, bad in verdicts[_name(life)]
                if of_tier == tier or (of_tier is None and life.hops[-1].tier == tier)
            ]
            for life in lives
        ]
        judged, low = sum(map(bool, opinions)), sum(map(any, opinions))
        rows.append(
            {
                "tier": tier,
                "requests": len(lives),
                "judged": judged,
                "unjudged": len(lives) - judged,
                "low": low,
                "rate": low / judged if judged else None,
                "escalated": sum(len({hop.tier for hop in life.hops}) > 1 for life in lives),
            }
        )
    assert any(row["low"] and row["unjudged"] for row in rows)
    same(run_query("misclassification", below=str(below)), rows, "tier")


def test_escalation_value(run_query: RunQuery) -> None:
    groups: dict[Name, list[tuple[float | None, float | None, int | None]]] = defaultdict(list)
    for life in LIVES:
        for number, (hop, after) in enumerate(zip(life.hops, life.hops[1:], strict=False)):
            if not SINCE <= hop.ended_at < UNTIL:
                continue
            last = number + 2 == len(life.hops)
            best = life.answered_by.confidence if last and life.answered_by else after.confidence
            costs = life.nano_up_to(number), life.nano_up_to(number + 1)
            added = None if None in costs else (costs[1] or 0) - (costs[0] or 0)
            groups[hop.tier, after.tier].append((hop.confidence, best, added))
    rows: list[Row] = []
    for (tier, following), found in groups.items():
        both = [(a, b) for a, b, _ in found if a is not None and b is not None]
        better = sum(b > a for a, b in both)
        known = [added for _, _, added in found if added is not None]
        missing = len(found) - len(known)
        rows.append(
            {
                "from_tier": tier,
                "to_tier": following,
                "escalations": len(found),
                "without_answer": sum(a is None for a, _, _ in found),
                "compared": len(both),
                "confidence_before": mean([a for a, _ in both]),
                "confidence_after": mean([b for _, b in both]),
                "improved": better,
                "improved_share": better / len(both) if both else None,
                "cost_added": sum(known) / 1e9 if known else None,
                "unknown_cost": missing,
                "cost_per_improvement": None
                if missing or not better
                else sum(known) / 1e9 / better,
            }
        )
    assert any(row["compared"] for row in rows)
    rows_by_tier = [
        row | {"cost_added": None if row["cost_added"] is None else float(row["cost_added"])}
        for row in run_query("escalation_value")
    ]
    same(rows_by_tier, rows, "from_tier", "to_tier")


def test_dead_letters_are_counted_by_cause(tables: Client, settings: SinkSettings) -> None:
    letters = [
        ("llm.requests.v1.dlq", "undecodable", "not JSON", "aa", 10, SINCE),
        ("llm.requests.v1.dlq", "undecodable", "not JSON", "aa", 10, SINCE + 5),
        ("llm.requests.v1.dlq", "undecodable", "not JSON", "bb", 30, UNTIL - 1),
        ("llm.replies.v1.dlq", "undeliverable", "no such topic", "cc", 7, SINCE + 9),
        ("llm.replies.v1.dlq", "undeliverable", "no such topic", "cc", 7, UNTIL),
    ]
    tables.insert(
        "dead_letters",
        [[*letter[:5], time_of(letter[5]), time_of(letter[5])] for letter in letters],
        column_names=["topic", "cause", "reason", "sha256", "size", "appended_at", "ingested_at"],
    )
    found = ask(question("dead_letters"), settings, range_=between(SINCE, UNTIL)).by_name()
    assert [tuple(row.values()) for row in found] == [
        ("llm.requests.v1.dlq", "undecodable", "not JSON", 3, 50, 2,
         time_of(SINCE), time_of(UNTIL - 1)),
        ("llm.replies.v1.dlq", "undeliverable", "no such topic", 1, 7, 1,
         time_of(SINCE + 9), time_of(SINCE + 9)),
    ]  # fmt: skip
