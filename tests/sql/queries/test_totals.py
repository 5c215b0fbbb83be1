"""Totals agree, for any range: the topic, the raw rows, the views, the questions, the report."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra.cli.analytics.report import command as report
from infra.figures import shown
from schemas.records import UNDECIDED
from schemas.topics import COST, OUTCOMES
from sinks.analytics.named_queries import question
from sinks.analytics.query_runner import QueryRunner, asker
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings
from tests.fixtures.services import run_sql
from tests.sql.rig.asking import between, history, time_of
from tests.sql.rig.lives import DAY, HOUR, draw_lives
from tests.sql.rig.log import CODECS, T0
from tests.sql.rig.traffic import as_log

NAME = "totals_of_a_history"
LIVES = draw_lives(count=240, seed=5)
LOG = as_log(LIVES)
_BY = ("tier", "feature", "tenant", "user", "user tier", "model", "provider", "purpose", "day")
_EVERY = ("hour", "day", "month")
_BUDGETS = tuple((per, every) for per in ("tenant", "user", "feature", "model") for every in _EVERY)


def _ranges() -> list[tuple[int, int]]:
    """Ranges that cut hours anywhere, end on their edges, are empty, or contain everything."""
    dice = random.Random(3)
    drawn = [sorted((T0 + dice.randrange(6 * DAY), T0 + dice.randrange(6 * DAY))) for _ in range(3)]
    on_edges = [(T0 + 5 * HOUR, T0 + 6 * HOUR), (T0, T0 + 9 * DAY), (T0 + 50 * DAY, T0 + 51 * DAY)]
    within_an_hour = [(T0 + 30 * HOUR + 60_000, T0 + 30 * HOUR + 3_000_000)]
    return [*within_an_hour, *((first, last) for first, last in drawn), *on_edges]


def _choices_for(number: int, choices: tuple[Any, ...]) -> tuple[Any, ...]:
    """Which parameter values of a query a range is tested with: all of them in the first two
    ranges, a different part in each of the others, so that every value is tested in several ranges.
    """
    few = (len(choices) + 4) // 5
    return choices if number < 2 else choices[(number - 2) * few :][:few] or choices[:few]


RANGES = _ranges()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """USD of known cost, calls, calls of unknown cost, requests that ended, those of them that were
    decided, and those that replied.
    """

    usd: Decimal
    calls: int
    unknown: int
    ended: int
    decided: int
    replied: int


def of_the_topic(since: int, until: int) -> Totals:
    """Totals from the records on the topics, by the rules of the design alone: a call counts once,
    by its first record with a cost; a request ends once.
    """
    calls: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in LOG[Place(COST, 0)]:
        event = CODECS[COST].decode(record.value or b"")
        calls[event["call_id"]].append(event)
    booked = [
        next((each for each in events if each["cost_nano"] is not None), events[0])
        for events in calls.values()
    ]
    ends: dict[tuple[str, str, int], dict[str, Any]] = {}
    for record in LOG[Place(OUTCOMES, 0)]:
        event = CODECS[OUTCOMES].decode(record.value or b"")
        if event["final"]:
            ends.setdefault(
                (event["tenant"], event["request_id"], event["source"]["offset"]), event
            )
    spent = [each["cost_nano"] for each in booked if since <= each["at"] < until]
    ended = [each for each in ends.values() if since <= each["at"] < until]
    kinds = [each["kind"] for each in ended]
    return Totals(
        usd=Decimal(sum(nano or 0 for nano in spent)).scaleb(-9),
        calls=len(spent),
        unknown=spent.count(None),
        ended=len(ended),
        decided=sum(each["decision"]["classifier"] != UNDECIDED for each in ended),
        replied=kinds.count("replied"),
    )


@pytest.fixture(scope="module")
def settings(clickhouse: str) -> Iterator[SinkSettings]:
    with history(clickhouse, NAME, LIVES, since=T0, until=T0 + DAY):
        yield SinkSettings(clickhouse_url=clickhouse, clickhouse_database=NAME)


@pytest.fixture(scope="module")
def runner(settings: SinkSettings) -> Iterator[QueryRunner]:
    with asker(settings) as found:
        yield found


def _of_the_views(settings: SinkSettings, since: int, until: int) -> Totals:
    def row(sql: str) -> list[str]:
        within = f"fromUnixTimestamp64Milli({since}) AND at < fromUnixTimestamp64Milli({until})"
        return run_sql(settings.clickhouse_url, sql.format(db=NAME, within=within)).split("\t")

    usd, calls, unknown = row(
        "SELECT ifNull(sum(cost), 0), count(), countIf(cost IS NULL) FROM {db}.spend "
        "WHERE at >= {within}"
    )
    ended, decided, replied = row(
        "SELECT count(), countIf(classifier != 'none'), countIf(status = 'replied') FROM "
        "(SELECT *, ended_at AS at FROM {db}.requests) WHERE at >= {within}"
    )
    return Totals(
        usd=Decimal(usd).quantize(Decimal("1e-9")),
        calls=int(calls), unknown=int(unknown), ended=int(ended), decided=int(decided),
        replied=int(replied),
    )  # fmt: skip


@pytest.mark.parametrize("number", range(len(RANGES)))
def test_totals_agree_in_topic_rows_views_and_queries(
    settings: SinkSettings, runner: QueryRunner, number: int
) -> None:
    since, until = RANGES[number]
    wanted = of_the_topic(since, until)
    assert _of_the_views(settings, since, until) == wanted

    def run_query(name: str, **given: str) -> list[dict[str, Any]]:
        range_ = between(since, until)
        return runner.ask(question(name), range_=range_, parameters=given).by_name()

    def total(rows: list[dict[str, Any]], column: str) -> Any:
        return sum((row[column] for row in rows if row[column] is not None), Decimal(0))

    rows_of_all = run_query("cost_vs_baseline")
    assert total(rows_of_all, "spent") == wanted.usd
    assert total(rows_of_all, "unknown_calls") == wanted.unknown
    assert total(rows_of_all, "requests") == wanted.replied
    parts = ("answers", "classifiers", "judges", "shadows", "replays")
    assert sum(total(rows_of_all, part) for part in parts) == wanted.usd
    for by in _choices_for(number, _BY):
        rows = run_query("cost_by", by=by)
        assert total(rows, "cost") == wanted.usd, by
        assert total(rows, "calls") == wanted.calls, by
        assert total(rows, "unknown_cost") == wanted.unknown, by
    for per, every in _choices_for(number, _BUDGETS):
        rows = run_query("budget", per=per, every=every)
        assert total(rows, "cost") == wanted.usd, (per, every)
    for every in _choices_for(number, _EVERY):
        assert total(run_query("spend", every=every), "cost") == wanted.usd
        savings = run_query("savings", every=every)
        assert total(savings, "spent") == wanted.usd
        assert total(savings, "requests") == wanted.replied
    assert len(run_query("unknown_cost")) == wanted.unknown
    assert total(run_query("provider_health"), "calls") == wanted.calls
    distribution = run_query("routing_distribution")
    assert total(distribution, "started") == wanted.decided
    assert total(distribution, "answered") == wanted.replied
    assert total(run_query("latency_by_tier"), "requests") == wanted.replied
    overhead = run_query("routing_overhead")
    assert total(overhead, "requests") + total(overhead, "waited") == wanted.replied
    assert len(run_query("extremes", limit="1000")) == wanted.ended


def test_the_report_shows_the_same_totals(
    settings: SinkSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", settings.clickhouse_url)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_DATABASE", NAME)
    since, until = T0 + 7 * HOUR + 1_234, T0 + 2 * DAY + 77
    out = tmp_path / "report.html"
    times = [f"--since={time_of(since).isoformat()}", f"--until={time_of(until).isoformat()}"]
    result = CliRunner().invoke(report, [*times, f"--out={out}"])
    assert result.exit_code == 0, result.output
    wanted = of_the_topic(since, until)
    for value, unit in ((wanted.usd, "USD"), (wanted.replied, "count"), (wanted.unknown, "count")):
        assert f">{shown(value, unit)}<" in out.read_text()
