"""Two workers of one group: what messages and ends of processes may do to them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from infra.cli.main import sluice
from infra.cli.output.errors import report_faults
from schemas.topics import REQUESTS
from sinks.settings import SinkSettings
from tests.fixtures.migrated import make_migrated
from tests.fixtures.pipeline import FLUSH_MS
from tests.fixtures.services import some_clickhouse, some_kafka
from tests.rig.hostile.poison import ALERT_IDLE_S, FAILS, NAMES, balanced, poisoned, start
from tests.rig.kafka.topology import changed
from tests.rig.observed.evaluators import (
    evaluated_by,
    evaluator,
    registry_with_rule,
    traffic,
)
from tests.rig.stack import Stack, fetch, start_basics


@pytest.fixture(scope="module")
def pair() -> Iterator[Stack]:
    """A pipeline with two workers in which marked messages fail; its reconciliation is separate."""
    with (
        tempfile.TemporaryDirectory(prefix="sluice-pair-") as folder,
        some_kafka() as kafka,
        some_clickhouse() as clickhouse,
    ):
        stack = Stack(Path(folder), kafka_at=kafka, clickhouse_at=clickhouse)
        try:
            make_migrated(SinkSettings(clickhouse_url=clickhouse))
            start_basics(stack, "--latency-ms", "0")
            stack.start_sink(wait=False, SLUICE_SINK_FLUSH_MS=FLUSH_MS)
            for number in (1, 2):
                start(stack, number)
            for name in NAMES:
                stack.processes[name].wait_ready(stack.ready(name), 60)
            yield stack
        finally:
            for name in list(stack.processes):
                stack.kill(name)


def test_poison_in_every_agent_ends_once_over_restarts_and_the_partition_continues(
    pair: Stack, own_name: str
) -> None:
    caller, restarts = asyncio.run(poisoned(pair, own_name, FAILS))
    assert sum(restarts.values()) >= 2
    books = balanced(pair, caller)
    assert books.balanced, books


def test_new_partitions_and_a_recreated_topic_are_read_and_each_request_is_answered_once(
    pair: Stack, own_name: str
) -> None:
    """Workers with fixed names that were restarted: none of them was made their group's leader."""
    for name in NAMES:
        pair.processes[name].wait_ready(pair.ready(name), 60)
    changes = asyncio.run(changed(pair, NAMES, own_name, (6, 3, 8)))
    assert set(changes.replies.values()) == {1}
    assert {each.status for each in changes.pages} == {200, 503}
    assert not any(each.is_green_without_requests for each in changes.pages)


def test_a_standby_evaluates_when_the_evaluator_is_killed_and_rules_fire_and_resolve(
    pair: Stack,
    own_name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Rules were evaluated for several idle times without an alert before."""
    for name in NAMES:
        pair.processes[name].wait_ready(pair.ready(name), 60)

    monkeypatch.setenv("SLUICE_KAFKA_BOOTSTRAP_SERVERS", pair.bootstrap)
    monkeypatch.setenv("SLUICE_HOME", str(pair.folder))

    async def case() -> None:
        await pair.apply_registry(registry_with_rule(pair.simulator_url))
        first = await evaluated_by(pair, NAMES, quiet_ms=2 * ALERT_IDLE_S * 1000)
        assert await evaluator(pair, NAMES) == first
        pair.kill(first)
        (other,) = set(NAMES) - {first}
        assert await evaluator(pair, [other]) == other
        assert await evaluated_by(pair, [other]) == other
        assert await asyncio.to_thread(report_faults, sluice, ["alerts", "--json"]) == 0
        assert orjson.loads(capsys.readouterr().out)["evaluation"]["worker"] == other
        owned = fetch(f"{pair.page_url(other)}/health")["partitions"][REQUESTS]
        async with traffic(pair, own_name, owned[0]) as requests:
            assert (await requests.fired())["worker"] == f"evaluator@{other}"
            start(pair, NAMES.index(first) + 1)
            await requests.resolved()

    asyncio.run(case())
