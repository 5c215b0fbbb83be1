"""Speed of deciding requests again: in memory, and from the topic to the replay topic.

The log contains the bench's prompts, decided by the local registry; its outcomes are in a real
ClickHouse, its requests on a real Kafka. The replay moves the boundaries, so that recorded scores
are reused; `assessed` classifies every request again.
"""

from __future__ import annotations

import asyncio
import gc
import os
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from confluent_kafka import Producer

from infra.devstack.preparation import migrate_tables
from infra.devstack.registry import local_registry
from infra.replays.factory import ReplayComponents, opened
from infra.replays.processes import ReplayShare, work_together
from infra.replays.target_version import Origin
from schemas.records import Decision, Source
from schemas.request import read_request
from schemas.topics import OUTCOMES, REQUESTS
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.rows.log_position import Place
from sinks.settings import SinkSettings
from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.decisions.redeciding import ReplayContext, redecide
from streams.offline.replay.replaying import tier_costs
from streams.offline.replay.run_spec import RunSpec
from streams.providers.pricing.price_list import PriceBook
from streams.registry.publishing import publish_version
from streams.registry.version import parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from tests.bench.figures import Figure
from tests.bench.prompts import bodies
from tests.fixtures.services import some_clickhouse, some_kafka
from tests.rig.stack import Stack
from tests.sql.rig.log import on_log, outcome_event, store_records

PURE, LOGGED = 20_000, 100_000
LIVE = local_registry("http://127.0.0.1:1")
OTHER = re.sub(r"boundaries: \[[^]]*\]", "boundaries: [0.3, 0.6]", LIVE)
PARTITIONS = 4


def measure_replay(requests: int = LOGGED) -> list[Figure]:
    """Pure decisions a second, and requests a second from the topic, in one process and in two."""
    return [*_pure(), *_from_topic(requests)]


def _pure() -> list[Figure]:
    live, other = parse_registry(LIVE).snapshot, parse_registry(OTHER).snapshot
    pricing = PriceBook()
    known = [_recorded(number, document, live) for number, document in _documents(PURE)]
    figures = []
    for name, reuse, goal in (("reused", True, 50_000.0), ("assessed by rules", False, None)):
        ground = ReplayContext(
            snapshot=other,
            before={live.version: live}.get,
            costs=lambda body, under: tier_costs(pricing, body, under),
            reuse=reuse,
        )
        gc.collect()
        best = 0.0
        for _ in range(3):
            begun = time.process_time()
            for recorded, subject in known:
                redecide(recorded, subject, ground)
            best = max(best, PURE / (time.process_time() - begun))
        figures.append(_figure(f"pure decisions, {name} (CPU)", best, goal))
    return figures


def _recorded(number: int, document: dict[str, Any], live: Any) -> tuple[Recorded, RoutingRequest]:
    subject = RoutingRequest.of(read_request(dict(document)), "default")
    decision = decide(subject, live, DecisionContext(now=1, time_left_ms=600_000))
    source = Source(topic=REQUESTS, partition=0, offset=number, timestamp=1)
    recorded = Recorded(tenant="default", request_id=f"r{number}", source=source, decision=decision)
    return recorded, subject


def _documents(count: int) -> list[tuple[int, dict[str, Any]]]:
    made = bodies()
    return [
        (number, {**made[number % len(made)], "request_id": f"r{number}"})
        for number in range(count)
    ]


def _from_topic(requests: int) -> list[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="sluice-replay-") as folder,
        some_kafka() as kafka,
        some_clickhouse() as clickhouse,
    ):
        stack = Stack(Path(folder), kafka_at=kafka, clickhouse_at=clickhouse, partitions=PARTITIONS)
        stack.create_topics()
        migrate_tables(clickhouse)
        version = parse_registry(LIVE)
        asyncio.run(publish_version({"bootstrap_servers": kafka}, version, by="bench"))
        asyncio.run(_fill(stack, requests))
        other = Path(folder) / "other.yaml"
        other.write_text(OTHER)
        with _addresses(kafka, clickhouse), opened() as parts:
            return _replays(parts, requests, other)


def _replays(parts: ReplayComponents, requests: int, other: Path) -> list[Figure]:
    version = parse_registry(OTHER)
    spans = tuple(parts.log.spans([REQUESTS], 0, int(time.time() * 1000) + 60_000))
    spec = RunSpec(registry=version.hash, spans=spans)
    figures, by_processes = [], {}
    for name, one, processes, goal in (
        ("reused, one process", spec, 1, 25_000.0),
        ("assessed by rules, one process", replace(spec, assess_all=True), 1, None),
        ("reused, two processes", replace(spec, sample=0.999999), 2, None),
    ):
        share = ReplayShare(
            spec=one, pieces=tuple(one.pieces), done=frozenset(), origin=Origin(file=other)
        )
        begun, used = time.perf_counter(), time.process_time()
        tally = work_together(parts, share, version, processes, lambda: None)
        took, used = time.perf_counter() - begun, time.process_time() - used
        assert tally.decided >= requests * 0.99, tally
        figures.append(_figure(f"requests from the topic, {name}", tally.decided / took, goal))
        if one.assess_all is False:
            by_processes[processes] = tally.decided / took
        if processes == 1:
            figures.append(
                _figure(f"requests from the topic, {name} (CPU)", tally.decided / used, None)
            )
    figures.append(
        Figure(
            group="replay",
            name="two processes / one",
            value=by_processes[2] / by_processes[1],
            unit="times",
            at_least=1.7,
        )
    )
    return figures


def _figure(name: str, value: float, goal: float | None) -> Figure:
    return Figure(group="replay", name=name, value=value, unit="1/s", at_least=goal)


async def _fill(stack: Stack, requests: int) -> None:
    """Requests on the log, their outcomes in the tables."""
    live = parse_registry(LIVE).snapshot
    producer = Producer(
        {"bootstrap.servers": stack.bootstrap, "acks": "all", "linger.ms": 20, "log_level": 0}
    )
    decided: dict[str, Decision] = {}
    positions: dict[int, list[tuple[int, int, str]]] = {number: [] for number in range(PARTITIONS)}

    def on_stored(request_id: str) -> Any:
        def take(error: Any, message: Any) -> None:
            assert error is None, error
            positions[message.partition()].append(
                (message.offset(), message.timestamp()[1], request_id)
            )

        return take

    texts = len(bodies())
    for number, document in _documents(requests):
        request_id = document["request_id"]
        decided[request_id] = (
            _recorded(number, document, live)[0].decision
            if number < texts
            else decided[f"r{number % texts}"]
        )
        producer.produce(
            REQUESTS, orjson.dumps(document), partition=number % PARTITIONS,
            on_delivery=on_stored(request_id),
        )  # fmt: skip
        if number % 1_000 == 0:
            producer.poll(0.1)
    producer.flush(60)
    store = ClickHouseStore(SinkSettings(clickhouse_url=stack.clickhouse_url))
    try:
        for partition, found in positions.items():
            events = [_outcome(partition, each, decided) for each in sorted(found)]
            for first in range(0, len(events), 25_000):
                piece = events[first : first + 25_000]
                await store_records(
                    store, Place(OUTCOMES, partition), on_log(OUTCOMES, piece, first)
                )
    finally:
        await store.close()


def _outcome(
    partition: int, position: tuple[int, int, str], decided: dict[str, Decision]
) -> dict[str, Any]:
    offset, at, request_id = position
    decision = decided[request_id]
    return outcome_event(
        tenant="default",
        request_id=request_id,
        at=at + 50,
        source={"topic": REQUESTS, "partition": partition, "offset": offset, "timestamp": at},
        tier=decision.tier,
        decision={
            name: getattr(decision, name) for name in decision.__slots__
        } | {"reasons": list(decision.reasons)},
        result={"model": "gpt-4o-mini"},
    )  # fmt: skip


class _addresses:  # noqa: N801 - reads as what it does
    """The environment names these services meanwhile."""

    def __init__(self, kafka: str, clickhouse: str) -> None:
        self._wanted = {
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": kafka,
            "SLUICE_CLICKHOUSE_URL": clickhouse,
        }

    def __enter__(self) -> None:

        self._before = {name: os.environ.get(name) for name in self._wanted}
        os.environ.update(self._wanted)

    def __exit__(self, *_: object) -> None:

        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
