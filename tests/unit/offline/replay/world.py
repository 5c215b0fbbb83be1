"""A log recorded by the real handlers, in memory: requests, decisions, answers, bookings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from core.kafka.incoming_message import Incoming
from schemas.encoding.avro_mapping import from_record
from schemas.gateway.headers import STREAM, YES
from schemas.records import Decision, Source
from schemas.request import Request, read_request
from schemas.topics import COST, OUTCOMES, QUALITY, REQUESTS
from streams.agents.classify.handler import classify
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.offline.replay.decisions.recorded import Recorded
from streams.registry.version import parse_registry
from streams.routing.decision import RoutingRequest
from streams.routing.snapshot import RegistrySnapshot
from tests.unit.agents.world import World, deliver


@dataclass
class RecordedLog:
    """Requests by offset, with their journal records, calls and signals."""

    requests: dict[int, dict[str, Any]]
    outcomes: list[dict[str, Any]]
    calls: list[dict[str, Any]]
    signals: list[dict[str, Any]]
    snapshots: dict[str, RegistrySnapshot]

    @property
    def asked_at(self) -> dict[str, int]:
        """The time of each request, by its id."""
        return {event["request_id"]: event["source"]["timestamp"] for event in self.outcomes}

    def recorded(self) -> list[Recorded]:
        """Every request's terminal outcome, in the order of the log."""
        found = [
            Recorded(
                tenant=event["tenant"],
                request_id=event["request_id"],
                source=from_record(Source, event["source"]),
                decision=from_record(Decision, event["decision"]),
                user_id=event["user_id"],
                user_tier=event["user_tier"],
                feature=event["feature"],
            )
            for event in self.outcomes
            if event["final"]
        ]
        return sorted(found, key=lambda each: each.source.offset)

    def request(self, recorded: Recorded) -> Request:
        """The request of an outcome, as its place in the log has it."""
        return read_request(dict(self.requests[recorded.source.offset]))

    def subject(self, recorded: Recorded) -> RoutingRequest:
        """The same as routing reads it."""
        return RoutingRequest.of(self.request(recorded), recorded.tenant)


def record(
    registries: Sequence[str],
    requests: Sequence[tuple[int, dict[str, Any]]],
    *,
    at_once: int = 1,
    **more: Any,
) -> RecordedLog:
    """Let a worker answer these requests, each under the registry of that number; `at_once` are
    classified before their hops are executed.
    """
    world = World(registry=registries[0], **more)
    snapshots = [parse_registry(text).snapshot for text in registries]

    async def run() -> None:
        deps = await world.worker()
        acked: set[tuple[str, int]] = set()
        for offset, (number, document) in enumerate(requests):
            deps.registry.use(snapshots[number])
            await classify(_work(world, offset, document), deps)
            if (offset + 1) % at_once == 0:
                await deliver(world, deps, acked)
            world.clock.advance(7)
        await deliver(world, deps, acked)

    asyncio.run(run())
    return RecordedLog(
        requests={offset: document for offset, (_, document) in enumerate(requests)},
        outcomes=world.events(OUTCOMES, "OutcomeEvent"),
        calls=world.events(COST, "CostEvent"),
        signals=world.events(QUALITY, "QualityEvent"),
        snapshots={each.version: each for each in snapshots},
    )


def _work(world: World, offset: int, document: dict[str, Any]) -> Work:
    message = Incoming(
        topic=REQUESTS,
        partition=0,
        offset=offset,
        timestamp=world.clock.now(),
        key=None,
        value=orjson.dumps(document),
        # Every third caller takes the answer in parts.
        headers=[(STREAM, YES)] if offset % 3 == 0 else [],
    )
    return Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState())
