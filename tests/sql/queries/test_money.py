"""Questions about money, recomputed in plain Python from the lives that are on the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.sql.rig.asking import RunQuery, same, same_sketched, sketched, time_of
from tests.sql.rig.lives import HOUR, Call, Life
from tests.sql.rig.small_history import (
    cached_tokens,
    calls,
    replied,
    share,
    unknown,
    usd,
)


@pytest.fixture
def run_query(query_small_history: RunQuery) -> RunQuery:
    return query_small_history


def test_cost_vs_baseline(run_query: RunQuery) -> None:
    lives = replied()
    compared = [life for life in lives if life.nano is not None and life.baseline_nano is not None]
    cost = usd(life.nano for life in compared)
    baseline = usd(life.baseline_nano for life in compared)
    spent = usd(call.known_nano for _, call in calls())
    assert cost is not None
    assert baseline is not None
    assert spent is not None
    expected = {
        "requests": len(lives),
        "compared": len(compared),
        "unknown_cost": unknown(life.nano for life in lives),
        "unknown_baseline": unknown(life.baseline_nano for life in lives),
        "cost": cost,
        "baseline": baseline,
        "saved": baseline - cost,
        "saved_share": share(baseline - cost, baseline),
        "spent": spent,
        "answers": _spent_on("answer"),
        "classifiers": _spent_on("classify"),
        "judges": None,
        "shadows": None,
        "replays": None,
        "unknown_calls": unknown(call.known_nano for _, call in calls()),
        "net_saved": baseline - spent,
    }
    same(run_query("cost_vs_baseline"), [expected], "requests")


def _spent_on(purpose: str) -> Decimal | None:
    return usd(call.known_nano for _, call in calls() if call.purpose == purpose)


def test_savings(run_query: RunQuery) -> None:
    rows = []
    days = {life.ended_at // (24 * HOUR) for life in replied()}
    days |= {call.at // (24 * HOUR) for _, call in calls()}
    for day in days:
        lives = [life for life in replied() if life.ended_at // (24 * HOUR) == day]
        both = [each for each in lives if each.nano is not None and each.baseline_nano is not None]
        cost, baseline = usd(x.nano for x in both), usd(x.baseline_nano for x in both)
        here = [call for _, call in calls() if call.at // (24 * HOUR) == day]
        rows.append(
            {
                "period": time_of(day * 24 * HOUR),
                "requests": len(lives),
                "compared": len(both),
                "cost": cost,
                "baseline": baseline,
                "saved_share": share((baseline or 0) - (cost or 0), baseline),
                "spent": usd(call.known_nano for call in here),
                "unknown_calls": unknown(call.known_nano for call in here),
            }
        )
    same(run_query("savings"), rows, "period")


_BY: dict[str, Callable[[Life, Call], str]] = {
    "tier": lambda life, call: call.tier,
    "feature": lambda life, call: life.feature or "",
    "tenant": lambda life, call: life.tenant,
    "user": lambda life, call: life.user_id,
    "model": lambda life, call: call.model,
    "provider": lambda life, call: call.provider,
    "purpose": lambda life, call: call.purpose,
    "day": lambda life, call: time_of(call.at).strftime("%Y-%m-%d"),
    "user tier": lambda life, call: "",
}


@pytest.mark.parametrize("by", _BY)
def test_cost_by(run_query: RunQuery, by: str) -> None:
    groups: dict[str, list[tuple[Life, Call]]] = defaultdict(list)
    for life, call in calls():
        groups[_BY[by](life, call)].append((life, call))
    total = usd(call.known_nano for _, call in calls())
    rows = []
    for value, found in groups.items():
        cost = usd(call.known_nano for _, call in found)
        missing = unknown(call.known_nano for _, call in found)
        tokens = [(call.input_tokens, call.output_tokens) for _, call in found]
        rows.append(
            {
                "value": value,
                "calls": len(found),
                "cost": cost,
                "cost_share": share(cost, total),
                "unknown_cost": missing,
                "cost_per_call": None if missing else share(cost, len(found)),
                "input_tokens": sum(a or 0 for a, _ in tokens),
                "output_tokens": sum(b or 0 for _, b in tokens),
                "cache_read_tokens": cached_tokens(call for _, call in found),
            }
        )
    same(run_query("cost_by", by=by), rows, "value")


def test_spend(run_query: RunQuery) -> None:
    groups: dict[tuple[int, str], list[Call]] = defaultdict(list)
    for life, call in calls():
        groups[call.at // (24 * HOUR) * 24 * HOUR, life.tenant].append(call)
    rows, so_far = [], Counter[str]()
    for (day, tenant), found in sorted(groups.items()):
        so_far[tenant] += sum(call.known_nano or 0 for call in found)
        rows.append(
            {
                "period": time_of(day),
                "tenant": tenant,
                "calls": len(found),
                "cost": usd(call.known_nano for call in found),
                "unknown_cost": unknown(call.known_nano for call in found),
                "cost_to_date": usd([so_far[tenant]]),
            }
        )
    same(run_query("spend"), rows, "period", "tenant")


def test_unknown_cost_lists_every_call_without_a_price(run_query: RunQuery) -> None:
    expected = {
        call.call_id: "interrupted"
        if call.known_status == "interrupted"
        else "no usage"
        if call.input_tokens is None
        else "no price"
        for _, call in calls()
        if call.known_nano is None
    }
    assert {row["call_id"]: row["why"] for row in run_query("unknown_cost")} == expected
    assert set(expected.values()) == {"interrupted", "no usage", "no price"}
    assert len(run_query("unknown_cost", limit="3")) == 3


def _per_million(of: list[Call]) -> float | None:
    priced = [call for call in of if call.known_nano is not None]
    tokens = sum((call.input_tokens or 0) + (call.output_tokens or 0) for call in priced)
    return share(sum(call.known_nano or 0 for call in priced), tokens * 1000)


def _middle(of: list[Call]) -> float | None:
    return sketched([call.latency_ms or 0 for call in of], 0.5) if of else None


def test_cache_effects(run_query: RunQuery) -> None:
    answered = [x for _, x in calls() if x.known_status == "ok" and x.input_tokens is not None]
    rows = []
    for provider, model in {(call.provider, call.model) for call in answered}:
        here = [call for call in answered if (call.provider, call.model) == (provider, model)]
        cached = [call for call in here if call.cached_tokens]
        others = [call for call in here if not call.cached_tokens]
        tokens = sum(call.input_tokens or 0 for call in here)
        rows.append(
            {
                "provider": provider,
                "model": model,
                "calls": len(here),
                "cached_calls": len(cached),
                "input_tokens": tokens,
                "cached_tokens": cached_tokens(here) or 0,
                "cached_share": share(cached_tokens(here) or 0, tokens),
                "cached_usd_per_million": _per_million(cached),
                "uncached_usd_per_million": _per_million(others),
                "cached_p50": _middle(cached),
                "uncached_p50": _middle(others),
            }
        )
    assert any(row["cached_calls"] for row in rows)
    assert any(row["cached_p50"] is None for row in rows)
    same_sketched(run_query("cache_effects"), rows, "provider", "model")
