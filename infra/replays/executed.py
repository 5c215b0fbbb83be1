"""Execution of a run's requests: their selection and the result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from heapq import heappop, heappush
from statistics import fmean, stdev
from typing import Any

from confluent_kafka import Producer

from infra.replays.executing import ExecutedReplay, Executor, Task
from infra.replays.factory import ReplayComponents, request_reader
from infra.replays.recorded_rows import Place
from infra.replays.whole import rows_stored
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.errors import InvalidRequestError, UndecodableError
from schemas.events import CostEvent, QualityEvent
from schemas.identity import identity_key
from schemas.journal_headers import CALL_ID, INCARNATION
from schemas.records import NANO
from schemas.topics import COST, QUALITY
from sinks.settings import SinkSettings
from streams.offline.replay.run_spec import RunSpec
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.installed import open_providers
from streams.providers.port import Provider
from streams.providers.pricing.price_list import PriceBook
from streams.routing.draws import draw
from streams.routing.snapshot import RegistrySnapshot
from streams.worker.settings import WorkerSettings

MOST_TASKS = 10_000
"""Requests read for one execution; the budget usually ends earlier."""

MOST_TASK_BYTES = 256 * 1024 * 1024
"""Bytes of their bodies as on the log; the last drawn ones are left out beyond it."""

_SURE = 1.959963984540054


def tasks_of(parts: ReplayComponents, spec: RunSpec, snapshot: RegistrySnapshot) -> list[Task]:
    """Return requests without an answer of their first model, in a drawn order."""
    run = rows_stored(parts, spec.run_id, snapshot)
    wanted = {
        place: (case.steps[0].model, score)
        for place, case, score in zip(run.places, run.cases, run.was_score, strict=True)
        if case.steps and case.steps[0].model not in case.seen
    }
    chosen = sorted(wanted, key=lambda place: draw(f"execute/{spec.run_id}/{place}"))[:MOST_TASKS]
    identities = {
        (row["topic"], row["source_partition"], row["source_offset"]): row
        for row in parts.tables.rows("rows", run=spec.run_id)
    }
    read, close = request_reader(SinkSettings().schema_registry_url)
    bodies = FirstBodies(chosen)
    try:
        for piece in spec.pieces:
            for logged in parts.log.read(piece):
                place = (piece.topic, piece.partition, logged.offset)
                if bodies.wants(place):
                    try:
                        bodies.put(place, read(logged.value or b"").body, len(logged.value or b""))
                    except (UndecodableError, InvalidRequestError):
                        continue
    finally:
        close()
    return [
        Task(
            tenant=identities[place]["tenant"],
            request_id=identities[place]["request_id"],
            body=bodies.found[place],
            model=wanted[place][0],
            was_score=wanted[place][1],
        )
        for place in chosen
        if place in bodies.found
    ]


class FirstBodies:
    """Bodies by position, `found`: the first in the order of `places` that fit in `most_bytes`, at
    least one. They may be added in any order.
    """

    def __init__(self, places: Sequence[Place], *, most_bytes: int = MOST_TASK_BYTES) -> None:
        self._rank = {place: rank for rank, place in enumerate(places)}
        self._end = len(places)
        self._most = most_bytes
        self._bytes = 0
        self._last: list[tuple[int, Place, int]] = []
        self.found: dict[Place, Mapping[str, Any]] = {}

    def wants(self, place: Place) -> bool:
        """Return whether a position is among them, as far as is known."""
        return self._rank.get(place, self._end) < self._end

    def put(self, place: Place, body: Mapping[str, Any], size: int) -> None:
        """Add the body of a wanted position; remove the last ones beyond the limit."""
        heappush(self._last, (-self._rank[place], place, size))
        self.found[place] = body
        self._bytes += size
        while self._bytes > self._most and len(self._last) > 1:
            rank, gone, its_size = heappop(self._last)
            self._end = -rank
            self._bytes -= its_size
            del self.found[gone]


def execute(
    parts: ReplayComponents,
    tasks: Sequence[Task],
    snapshot: RegistrySnapshot,
    max_usd: float,
    tick: Callable[[], None],
) -> dict[str, Any]:
    """Call the models; on return the calls and the judge's scores are on the event topics.

    Raises:
        NoPriceError: a model, or the judge, has no price.
        ConfigurationError: a provider is not installed, or a key is missing.
    """
    worker = WorkerSettings()
    keys = KeyRing.from_patterns(worker.allowed_keys, secrets_dir=worker.secrets_dir)
    providers = open_providers(keys, HostPolicy.from_patterns(worker.allowed_hosts))
    books = _Books(parts, snapshot)
    executor = Executor(
        snapshot=snapshot,
        providers=providers,
        pricing=PriceBook(),
        max_nano=round(max_usd * NANO),
        book=books.call,
        judged=books.judgement,
    )
    try:
        found = asyncio.run(_run(executor, tasks, tick, providers))
    finally:
        books.close()
    return as_document(found, judged=snapshot.policy.judge is not None)


async def _run(
    executor: Executor,
    tasks: Sequence[Task],
    tick: Callable[[], None],
    providers: Mapping[str, Provider],
) -> ExecutedReplay:
    try:
        return await executor.run(tasks, tick)
    finally:
        for provider in providers.values():
            await provider.close()


def as_document(found: ExecutedReplay, *, judged: bool) -> dict[str, Any]:
    """Return the result; scores 0..1 by the judge beside the earlier ones."""
    gains = [now - was for was, now in found.pairs]
    reach = _SURE * stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else None
    return {
        "calls": found.calls,
        "spent_usd": found.spent_nano / NANO,
        "unknown_cost": found.unknown_cost,
        "answered": found.answered,
        "failed": found.failed,
        "not_asked_for_want_of_budget": found.not_asked,
        "has_judge": judged,
        "judged": len(found.scores),
        "score": fmean(found.scores) if found.scores else None,
        "compared": len(gains),
        "was_score": fmean(was for was, _ in found.pairs) if gains else None,
        "gain": fmean(gains) if gains else None,
        "low": None if reach is None else fmean(gains) - reach,
        "high": None if reach is None else fmean(gains) + reach,
    }


class _Books:
    """Publish calls and scores to the event topics."""

    def __init__(self, parts: ReplayComponents, snapshot: RegistrySnapshot) -> None:
        self._producer = Producer(
            {
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "log_level": 0,
                **parts.kafka,
            }
        )
        self._snapshot = snapshot
        self._cost, self._quality = Codec("CostEvent"), Codec("QualityEvent")

    def call(self, event: CostEvent) -> None:
        self._producer.produce(
            COST,
            self._cost.encode(as_record(event)),
            event.key,
            headers=[
                (CALL_ID, event.call_id.encode()),
                (INCARNATION, event.incarnation.encode()),
            ],
        )
        self._producer.poll(0)

    def judgement(self, task: Task, call_id: str, score: float) -> None:
        judge = self._snapshot.policy.judge
        model = self._snapshot.models[task.model]
        event = QualityEvent(
            tenant=task.tenant, request_id=task.request_id, hop=0, visit=0, call_id=call_id,
            at=int(time.time() * 1000), signal="judge", name=judge.model if judge else "",
            score=score, tier=model.tier, provider=model.provider, request_model=model.name,
            worker="replay", user_id=None, user_tier=None, feature=task.feature,
            registry_version=self._snapshot.version,
        )  # fmt: skip
        key = identity_key(task.tenant, task.request_id)
        self._producer.produce(QUALITY, self._quality.encode(as_record(event)), key)
        self._producer.poll(0)

    def close(self) -> None:
        self._producer.flush(30)
