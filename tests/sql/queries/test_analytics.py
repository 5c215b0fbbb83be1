"""Each question's answer, recomputed in plain Python from the lives that are on the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from schemas.records import UNDECIDED
from sinks.analytics.named_queries import question, questions
from sinks.analytics.query_runner import TimeRange, asker
from sinks.settings import SinkSettings
from tests.fixtures.migrated import make_migrated
from tests.sql.rig.asking import Row, RunQuery, same, same_sketched, sketched, time_of
from tests.sql.rig.lives import HOUR, TIERS, Call, Life
from tests.sql.rig.small_history import (
    LIVES,
    SINCE,
    UNTIL,
    calls,
    ended,
    replied,
    share,
    unknown,
    usd,
)


@pytest.fixture
def run_query(query_small_history: RunQuery) -> RunQuery:
    return query_small_history


def three(values: Sequence[float], prefix: str = "") -> Row:
    parts = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    return {prefix + name: sketched(values, part) for name, part in parts}


def test_the_history_contains_the_hard_cases_of_counting() -> None:
    flat = [call for life in LIVES for call in life.calls]
    assert any(len(life.hops) == 3 for life in replied())
    assert any(life.status != "replied" for life in ended())
    assert any(call.late_nano is not None for call in flat)
    assert any(call.status == "interrupted" and call.late_nano is None for call in flat)
    assert any(call.status == "ok" and call.nano is None for call in flat)
    assert any(life.nano is None for life in replied())
    assert any(not life.signals for life in replied())
    assert any(life.answered_by is not life.hops[-1] for life in replied())
    assert len({(life.tenant, life.request_id) for life in LIVES}) < len(LIVES)


@pytest.mark.parametrize("name", questions())
def test_the_columns_are_those_that_are_declared(run_query: RunQuery, name: str) -> None:
    given = {"request_id": "r1"} if name == "request" else {}
    rows = run_query(name, **given)

    assert (
        name in {"alerts", "dead_letters", "replay_moves", "shadow", "misrouted_requests"} or rows
    )
    for row in rows:
        assert list(row) == [column.name for column in question(name).columns]


@pytest.mark.parametrize("every", ["all", "day", "hour"])
def test_routing_distribution(run_query: RunQuery, every: str) -> None:
    span = {"hour": HOUR, "day": 24 * HOUR, "all": 0}[every]
    started: Counter[tuple[int, str]] = Counter()
    answered: Counter[tuple[int, str]] = Counter()
    for life in ended():
        period = life.ended_at // span * span if span else SINCE
        if life.classifier != UNDECIDED:
            started[period, life.hops[0].tier] += 1
        if life.answered_by is not None:
            answered[period, life.answered_by.tier] += 1
    rows = []
    for period, tier in started.keys() | answered.keys():
        begun = sum(count for (at, _), count in started.items() if at == period)
        ends = sum(count for (at, _), count in answered.items() if at == period)
        rows.append(
            {
                "period": time_of(period),
                "tier": tier,
                "started": started[period, tier],
                "started_share": share(started[period, tier], begun),
                "answered": answered[period, tier],
                "answered_share": share(answered[period, tier], ends),
            }
        )
    same(run_query("routing_distribution", every=every), rows, "period", "tier")


def _provider_ms(life: Life) -> float:
    return sum(hop.provider_ms for hop in life.hops)


def _overhead(life: Life) -> float:
    return max(life.latency_ms - _provider_ms(life), 0)


def test_latency_by_tier(run_query: RunQuery) -> None:
    rows = []
    for tier in {life.hops[-1].tier for life in replied()}:
        lives = [life for life in replied() if life.hops[-1].tier == tier]
        rows.append(
            {"tier": tier, "requests": len(lives)}
            | three([life.latency_ms for life in lives])
            | three([_provider_ms(life) for life in lives], "provider_")
            | three([_overhead(life) for life in lives], "overhead_")
        )
    same_sketched(run_query("latency_by_tier"), rows, "tier")


def test_routing_overhead(run_query: RunQuery) -> None:
    rows = []
    for classifier in {life.classifier for life in replied()}:
        lives = [life for life in replied() if life.classifier == classifier]
        quick = [life for life in lives if not any(hop.parked for hop in life.hops)]
        asks = [call for life in lives for call in life.others]
        rows.append(
            {
                "classifier": classifier,
                "requests": len(quick),
                "waited": len(lives) - len(quick),
                **three([_overhead(life) for life in quick]),
                "under_50ms": share(sum(_overhead(life) < 50 for life in quick), len(quick)),
                "of_latency": share(
                    sum(_overhead(life) for life in quick), sum(life.latency_ms for life in quick)
                ),
                "classify_calls": len(asks),
                "classify_cost": usd(call.nano for call in asks),
                "unknown_cost": unknown(call.nano for call in asks),
            }
        )
    same_sketched(run_query("routing_overhead"), rows, "classifier")


def _instance(call: Call) -> Row:
    return {"provider": call.provider, "model": call.model, "instance": call.instance}


def test_fallback_rate(run_query: RunQuery) -> None:
    answering = [call for _, call in calls() if call.purpose == "answer"]
    bad = [call for call in answering if call.known_status != "ok"]
    rows = [
        {
            "provider": "", "model": "", "instance": "", "error": "any",
            "failed": len(bad), "calls": len(answering), "rate": share(len(bad), len(answering)),
        }
    ]  # fmt: skip
    for instance in {tuple(_instance(call).values()) for call in answering}:
        here = [call for call in answering if tuple(_instance(call).values()) == instance]
        counts = Counter(call.known_status for call in here if call.known_status != "ok")
        rows += [
            _instance(here[0])
            | {"error": error, "failed": count, "calls": len(here), "rate": count / len(here)}
            for error, count in (counts or Counter({"": 0})).items()
        ]
    found = run_query("fallback_rate")

    same(found, rows, "provider", "model", "instance", "error")
    assert found[0]["error"] == "any"


def test_provider_health(run_query: RunQuery) -> None:
    rows = []
    flat = [call for _, call in calls()]
    for instance in {tuple(_instance(call).values()) for call in flat}:
        here = [call for call in flat if tuple(_instance(call).values()) == instance]
        status = Counter(call.known_status for call in here)
        good = [call for call in here if call.known_status == "ok"]
        timed = [call for call in good if call.latency_ms is not None]
        errors = len(here) - status["ok"] - status["interrupted"]
        failed = [call for call in here if call.known_status not in {"ok", "interrupted"}]
        ends = [call.at + (5 if call.late_nano is not None else 0) for call in good]
        counted = [call for call in timed if call.output_tokens is not None]
        rows.append(
            _instance(here[0])
            | {
                "calls": len(here),
                "ok": status["ok"],
                "errors": errors,
                "error_share": share(errors, status["ok"] + errors),
                "rate_limited": status["rate_limited"],
                "timeouts": status["timeout"],
                "interrupted": status["interrupted"],
                **three([call.latency_ms or 0 for call in timed]),
                "tokens_per_s": share(
                    sum(call.output_tokens or 0 for call in counted),
                    sum(call.latency_ms or 0 for call in counted) / 1000,
                ),
                "last_ok": time_of(max(ends)) if ends else None,
                "last_error": time_of(max(call.at for call in failed)) if failed else None,
            }
        )
    same_sketched(run_query("provider_health"), rows, "provider", "model", "instance")


@pytest.mark.parametrize("by", ["latency", "cost"])
def test_extremes_are_the_largest_known_values(run_query: RunQuery, by: str) -> None:
    size = {"latency": lambda life: life.latency_ms, "cost": lambda life: life.nano}[by]
    known = [life for life in ended() if size(life) is not None]
    largest = sorted(known, key=size, reverse=True)[:7]
    rows = run_query("extremes", by=by, limit="7")

    assert [row["request_id"] for row in rows] == [life.request_id for life in largest]
    assert [row["latency"] for row in rows] == [life.latency_ms for life in largest]
    assert [row["cost"] for row in rows] == [usd([life.nano]) for life in largest]
    assert [row["tiers"] for row in rows] == [len(life.hops) for life in largest]
    assert {row["tenant"] for row in run_query("extremes", tenant="acme")} == {"acme"}


def test_request_shows_everything_of_one_request_and_nothing_of_others(run_query: RunQuery) -> None:
    life = next(life for life in LIVES if len(life.hops) > 1 and life.signals and life.number > 0)
    rows = run_query("request", request_id=life.request_id, tenant=life.tenant)
    kinds = Counter(row["record"] for row in rows if not row["repeat"])
    parked = sum(hop.parked for hop in life.hops)
    answering = sum(len(hop.calls) for hop in life.hops)

    assert kinds["call"] == len(life.calls)
    assert kinds["signal"] == len(life.signals)
    assert kinds["journal"] == answering + parked + len(life.hops)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert run_query("request", request_id=life.request_id, tenant="nobody") == []
    final = [row for row in rows if row["what"] == life.status and not row["repeat"]]
    assert [row["cost"] for row in final] == [usd([life.nano])]


def test_without_any_event_there_is_no_row_with_zeros(clickhouse: str, database: str) -> None:
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=database)
    make_migrated(settings)
    between = TimeRange(since=time_of(SINCE), until=time_of(UNTIL))
    with asker(settings) as asking:
        for name, each in questions().items():
            given = {"request_id": "r1"} if name == "request" else {}
            assert asking.ask(each, range_=between, parameters=given).rows == (), name


def test_tiers_of_the_history_are_known() -> None:
    assert {hop.tier for life in LIVES for hop in life.hops} == set(TIERS)
