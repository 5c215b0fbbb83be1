"""`sluice explain`: a worker's records, stored as a sink stores them, shown as a timeline."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner

from infra.cli.requests.explain import command
from infra.explain.timeline import RequestTimeline, timeline_of
from schemas.topics import COST, OUTCOMES, QUALITY
from sinks.analytics.one_request import UnknownRequestError, read_request
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ErrorClass, ProviderError
from tests.fixtures.migrated import make_migrated
from tests.fixtures.services import run_sql
from tests.sql.rig.log import Record, store_records
from tests.unit.agents.world import REGISTRY, World, deliver

DATABASE = "explained"
DOWN = ProviderError(ErrorClass.SERVER, "down", status=500)


def _script(call: Any, endpoint: Any) -> Any:
    """The second instance is down, the first tier's answers are empty."""
    if endpoint.base_url.endswith("/2") and call.model == "gpt-4o-mini":
        return DOWN
    return text_answer("" if call.model == "gpt-4o-mini" else "Paris is the capital of France.")


def _world() -> World:
    budgets = "budgets:\n  daily: {per: tenant, usd: 5, then: reject}\n"
    world = World(registry=f"{REGISTRY}\n{budgets}", script=_script)

    async def live() -> None:
        worker = await world.worker()
        for number in range(6):
            world.clock.advance(1_000)
            await world.send(world.request(request_id=f"r{number}", offset=number, feature="qa"))
            await deliver(world, worker, set())

    asyncio.run(live())
    return world


async def _store(world: World, settings: SinkSettings) -> None:
    store = ClickHouseStore(settings)
    try:
        for topic in (OUTCOMES, COST, QUALITY):
            records = [
                Record(
                    offset=each.offset,
                    timestamp=each.timestamp,
                    key=each.key,
                    value=each.value,
                    headers=each.headers,
                )
                for each in world.log.incoming(topic)
            ]
            await store_records(store, Place(topic, 0), records)
    finally:
        await store.close()


@dataclass
class Timelines:
    """Timelines of the requests in a database."""

    settings: SinkSettings

    def timeline(self, request_id: str, tenant: str = "") -> RequestTimeline:
        return timeline_of(read_request(request_id, tenant, self.settings))


@pytest.fixture(scope="module")
def timelines(clickhouse: str) -> Iterator[Timelines]:
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=DATABASE)
    run_sql(clickhouse, f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
    make_migrated(settings)
    asyncio.run(_store(_world(), settings))
    yield Timelines(settings)
    run_sql(clickhouse, f"DROP DATABASE {DATABASE} SYNC")


def _titles(timeline: RequestTimeline, kind: str) -> list[str]:
    return [entry.title for entry in timeline.entries if entry.kind == kind]


def test_the_decision_comes_first_with_its_reasons(timelines: Timelines) -> None:
    first = timelines.timeline("r0").entries[0]
    assert first.title == "rules selects tier simple, complexity 0.10 of 1"
    assert "short" in first.details


def test_an_escalated_request_is_shown_hop_by_hop(timelines: Timelines) -> None:
    timeline = timelines.timeline("r0")
    assert (timeline.status, timeline.model, timeline.tier) == ("replied", "gpt-4o", "moderate")
    assert _titles(timeline, "escalated") == ["hop 0 on simple escalates to moderate"]
    shortlists = [title for title in _titles(timeline, "step") if "can call" in title]
    hops = [title.split(" can")[0] for title in shortlists]
    assert list(dict.fromkeys(hops)) == ["hop 0", "hop 1"]
    assert hops == sorted(hops)
    assert any("is below" in title or "faults" in title for title in _titles(timeline, "step"))


def test_a_failed_call_is_shown_with_its_error_and_the_next_step(timelines: Timelines) -> None:
    all_timelines = [timelines.timeline(f"r{number}") for number in range(6)]
    failed = [
        timeline
        for timeline in all_timelines
        if any("two server" in t for t in _titles(timeline, "call"))
    ]
    assert failed, "no request met the instance that is down"
    entries = failed[0].entries
    at = next(place for place, entry in enumerate(entries) if "two server" in entry.title)
    assert entries[at].details[0].startswith("HTTP 500: ")
    assert any("after the failure" in entry.title for entry in entries)


def test_its_cost_is_that_of_its_calls_and_is_compared_with_the_baseline(
    timelines: Timelines,
) -> None:
    timeline = timelines.timeline("r0")
    calls = [entry.cost for entry in timeline.entries if entry.costs]
    assert timeline.cost == sum(cost for cost in calls if cost is not None)
    assert timeline.shares == {"answer": timeline.cost}
    assert timeline.unknown_calls == 0
    assert timeline.baseline is not None
    assert timeline.baseline > Decimal(0)


def test_the_confidence_of_an_answer_is_shown_once(timelines: Timelines) -> None:
    timeline = timelines.timeline("r0")
    assert not _titles(timeline, "cascade_confidence")
    assert sum(title.startswith("confidence") for title in _titles(timeline, "step")) == 2


def test_verdicts_of_budgets_are_shown(timelines: Timelines) -> None:
    timeline = timelines.timeline("r5")
    verdicts = [entry for entry in timeline.entries if entry.title.startswith("budgets for")]
    assert verdicts[0].title == "budgets for gpt-4o-mini: allowed"
    assert "of $5.0000" in verdicts[0].details[0]


def test_entries_are_in_the_order_of_their_time(timelines: Timelines) -> None:
    times = [entry.at_ms for entry in timelines.timeline("r3").entries]
    assert times == sorted(times)


def test_an_unknown_request_is_an_error(timelines: Timelines) -> None:
    with pytest.raises(UnknownRequestError, match="nothing is stored for request nope"):
        timelines.timeline("nope")
    with pytest.raises(UnknownRequestError, match="of tenant other"):
        timelines.timeline("r0", "other")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_the_command_prints_it(
    timelines: Timelines, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLUICE_CLICKHOUSE_URL", timelines.settings.clickhouse_url)
    monkeypatch.setenv("SLUICE_CLICKHOUSE_DATABASE", DATABASE)
    result = CliRunner().invoke(command, ["r0", *form], catch_exceptions=False)
    assert result.exit_code == 0
    assert "gpt-4o" in result.output
