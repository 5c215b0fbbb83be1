"""Each question's answer, recomputed in plain Python from the lives that are on the log."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from sinks.connect import connect
from sinks.migrate import migrate
from sinks.queries import TimeRange, asker
from sinks.questions import question, questions
from sinks.settings import SinkSettings
from tests.sql.asking import Ask, Row, history, same, sketched, time_of
from tests.sql.lives import HOUR, TIERS, Call, Life, draw_lives
from tests.sql.log import T0

SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR
LIVES = draw_lives()
PERCENTILES = {"p50", "p95", "p99"}


@pytest.fixture(scope="module")
def asked(clickhouse: str) -> Iterator[Ask]:
    """Asks a question of a database that holds the history."""
    name = "analytics_of_a_small_history"
    with history(clickhouse, name, LIVES, since=SINCE, until=UNTIL) as put:
        yield put


def _within(ms: int) -> bool:
    return SINCE <= ms < UNTIL


def ended() -> list[Life]:
    return [life for life in LIVES if _within(life.ended_at)]


def replied() -> list[Life]:
    return [life for life in ended() if life.status == "replied"]


def calls() -> list[tuple[Life, Call]]:
    """Calls of the range, each once: an interrupted one by its real row, where that is there."""
    found = [(life, call) for life in LIVES for call in life.calls]
    return [
        (life, call)
        for life, call in found
        if _within(call.at + (5 if call.late_nano is not None else 0))
    ]


def usd(nanos: Iterable[int | None]) -> Decimal | None:
    """Sum of what is known; `None` where nothing is."""
    known = [nano for nano in nanos if nano is not None]
    return Decimal(sum(known)).scaleb(-9) if known else None


def cached_tokens(of: Iterable[Call]) -> int | None:
    known = [call.cached_tokens for call in of if call.cached_tokens is not None]
    return sum(known) if known else None


def unknown(values: Iterable[Any]) -> int:
    return sum(1 for value in values if value is None)


def share(part: float | Decimal | None, whole: float | Decimal | None) -> float | None:
    return float(part) / float(whole) if part is not None and whole else None


def three(values: Sequence[float], prefix: str = "") -> Row:
    parts = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    return {prefix + name: sketched(values, part) for name, part in parts}


def same_sketched(found: list[Row], expected: list[Row], *keys: str) -> None:
    """As `same`, percentiles within 1 %."""
    names = [name for row in expected for name in row if name.rpartition("_")[2] in PERCENTILES]
    plain = [{name: row[name] for name in row if name not in names} for row in found]
    same(plain, [{name: row[name] for name in row if name not in names} for row in expected], *keys)
    same(found, expected, *keys, rel=0.0101)


def test_the_history_has_what_makes_counting_hard() -> None:
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
def test_the_columns_are_those_that_are_declared(asked: Ask, name: str) -> None:
    given = {"request_id": "r1"} if name == "request" else {}
    rows = asked(name, **given)

    assert name in {"alerts", "dead_letters", "replay_moves", "shadow", "undershot"} or rows
    for row in rows:
        assert list(row) == [column.name for column in question(name).columns]


@pytest.mark.parametrize("every", ["all", "day", "hour"])
def test_routing_distribution(asked: Ask, every: str) -> None:
    span = {"hour": HOUR, "day": 24 * HOUR, "all": 0}[every]
    started: Counter[tuple[int, str]] = Counter()
    answered: Counter[tuple[int, str]] = Counter()
    for life in ended():
        period = life.ended_at // span * span if span else SINCE
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
    same(asked("routing_distribution", every=every), rows, "period", "tier")


def test_cost_vs_baseline(asked: Ask) -> None:
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
    same(asked("cost_vs_baseline"), [expected], "requests")


def _spent_on(purpose: str) -> Decimal | None:
    return usd(call.known_nano for _, call in calls() if call.purpose == purpose)


def test_savings(asked: Ask) -> None:
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
    same(asked("savings"), rows, "period")


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
def test_cost_by(asked: Ask, by: str) -> None:
    groups: dict[str, list[tuple[Life, Call]]] = defaultdict(list)
    for life, call in calls():
        groups[_BY[by](life, call)].append((life, call))
    whole = usd(call.known_nano for _, call in calls())
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
                "cost_share": share(cost, whole),
                "unknown_cost": missing,
                "cost_per_call": None if missing else share(cost, len(found)),
                "input_tokens": sum(a or 0 for a, _ in tokens),
                "output_tokens": sum(b or 0 for _, b in tokens),
                "cache_read_tokens": cached_tokens(call for _, call in found),
            }
        )
    same(asked("cost_by", by=by), rows, "value")


def test_spend(asked: Ask) -> None:
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
    same(asked("spend"), rows, "period", "tenant")


def test_unknown_cost_names_every_call_that_nobody_could_price(asked: Ask) -> None:
    expected = {
        call.call_id: "interrupted"
        if call.known_status == "interrupted"
        else "no usage"
        if call.input_tokens is None
        else "no price"
        for _, call in calls()
        if call.known_nano is None
    }
    assert {row["call_id"]: row["why"] for row in asked("unknown_cost")} == expected
    assert set(expected.values()) == {"interrupted", "no usage", "no price"}
    assert len(asked("unknown_cost", limit="3")) == 3


def _provider_ms(life: Life) -> float:
    return sum(hop.provider_ms for hop in life.hops)


def _overhead(life: Life) -> float:
    return max(life.latency_ms - _provider_ms(life), 0)


def test_latency_by_tier(asked: Ask) -> None:
    rows = []
    for tier in {life.hops[-1].tier for life in replied()}:
        lives = [life for life in replied() if life.hops[-1].tier == tier]
        rows.append(
            {"tier": tier, "requests": len(lives)}
            | three([life.latency_ms for life in lives])
            | three([_provider_ms(life) for life in lives], "provider_")
            | three([_overhead(life) for life in lives], "overhead_")
        )
    same_sketched(asked("latency_by_tier"), rows, "tier")


def test_routing_overhead(asked: Ask) -> None:
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
    same_sketched(asked("routing_overhead"), rows, "classifier")


def _instance(call: Call) -> Row:
    return {"provider": call.provider, "model": call.model, "instance": call.instance}


def test_fallback_rate(asked: Ask) -> None:
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
    found = asked("fallback_rate")

    same(found, rows, "provider", "model", "instance", "error")
    assert found[0]["error"] == "any"


def test_provider_health(asked: Ask) -> None:
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
    same_sketched(asked("provider_health"), rows, "provider", "model", "instance")


def _per_million(of: list[Call]) -> float | None:
    priced = [call for call in of if call.known_nano is not None]
    tokens = sum((call.input_tokens or 0) + (call.output_tokens or 0) for call in priced)
    return share(sum(call.known_nano or 0 for call in priced), tokens * 1000)


def test_cache_effects(asked: Ask) -> None:
    told = [x for _, x in calls() if x.known_status == "ok" and x.input_tokens is not None]
    rows = []
    for provider, model in {(call.provider, call.model) for call in told}:
        here = [call for call in told if (call.provider, call.model) == (provider, model)]
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
                "cached_p50": sketched([call.latency_ms or 0 for call in cached], 0.5),
                "uncached_p50": sketched([call.latency_ms or 0 for call in others], 0.5),
            }
        )
    assert any(row["cached_calls"] for row in rows)
    same_sketched(asked("cache_effects"), rows, "provider", "model")


@pytest.mark.parametrize("by", ["latency", "cost"])
def test_extremes_are_the_largest_and_leave_out_what_is_unknown(asked: Ask, by: str) -> None:
    size = {"latency": lambda life: life.latency_ms, "cost": lambda life: life.nano}[by]
    known = [life for life in ended() if size(life) is not None]
    largest = sorted(known, key=size, reverse=True)[:7]
    rows = asked("extremes", by=by, limit="7")

    assert [row["request_id"] for row in rows] == [life.request_id for life in largest]
    assert [row["latency"] for row in rows] == [life.latency_ms for life in largest]
    assert [row["cost"] for row in rows] == [usd([life.nano]) for life in largest]
    assert [row["tiers"] for row in rows] == [len(life.hops) for life in largest]
    assert {row["tenant"] for row in asked("extremes", tenant="acme")} == {"acme"}


def test_request_shows_everything_of_one_request_and_nothing_of_others(asked: Ask) -> None:
    life = next(life for life in LIVES if len(life.hops) > 1 and life.signals and life.number > 0)
    rows = asked("request", request_id=life.request_id, tenant=life.tenant)
    kinds = Counter(row["record"] for row in rows if not row["repeat"])
    parked = sum(hop.parked for hop in life.hops)
    answering = sum(len(hop.calls) for hop in life.hops)

    assert kinds["call"] == len(life.calls)
    assert kinds["signal"] == len(life.signals)
    assert kinds["journal"] == answering + parked + len(life.hops)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert asked("request", request_id=life.request_id, tenant="nobody") == []
    final = [row for row in rows if row["what"] == life.status and not row["repeat"]]
    assert [row["cost"] for row in final] == [usd([life.nano])]


def test_without_any_event_there_is_no_row_with_zeros(clickhouse: str, database: str) -> None:
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=database)
    client = connect(settings)
    migrate(client, settings)
    client.close()
    between = TimeRange(since=time_of(SINCE), until=time_of(UNTIL))
    with asker(settings) as asking:
        for name, each in questions().items():
            given = {"request_id": "r1"} if name == "request" else {}
            assert asking.ask(each, range_=between, parameters=given).rows == (), name


def test_tiers_of_the_history_are_known() -> None:
    assert {hop.tier for life in LIVES for hop in life.hops} == set(TIERS)
