"""The floor: minimum cost of Faust, one hop of Avro, an HTTP call and four records.

JSON in, an Avro tier message, an httpx call over aiohttp, a reply and three events through one
idempotent producer, ordered acknowledgement, and outcomes read back as a journal does; no routing,
no checks, no admission, no accounting. Faust uses the worker's own consumer. It runs beside the
worker, so that the worker's CPU is a ratio. `python -m tests.bench.floor` serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from typing import Any

import aiohttp
import httpx
import orjson
import uvloop
from aiokafka import AIOKafkaProducer
from httpx_aiohttp import AiohttpTransport

from core.kafka.incoming_message import Incoming
from schemas.encoding.codec import Codec
from schemas.topics import COST, OUTCOMES, QUALITY, REPLIES, REQUESTS, tier_topic
from streams.flow.offset_tracker import AckTracker
from streams.offset_metadata.delivery_attempts import DeliveryAttempts
from streams.worker.faust_app import build_app, incoming
from streams.worker.run import QUIET
from streams.worker.settings import WorkerSettings
from tests.bench.floor_read_back import ReadBack
from tests.bench.floor_records import cost_event, outcome_event, quality_event, tier_message

PREFIX = "floor."
_READY = "ready"
_FINISHED = 10_000
"""Finished requests that are remembered, as by a journal's window."""


class Floor:
    """Two agents, a reader of their outcomes, and what they share."""

    def __init__(self, settings: WorkerSettings, provider: str) -> None:
        self._settings = settings
        self._app = build_app(settings, None, DeliveryAttempts("floor"))
        self._producer = AIOKafkaProducer(**settings.kafka, enable_idempotence=True, acks="all")
        timeout = aiohttp.ClientTimeout(total=60)
        self._session_timeout = timeout
        self._provider = provider
        self._tier = Codec("TierMessage")
        self._events = {COST: Codec("CostEvent"), QUALITY: Codec("QualityEvent")}
        self._outcome = Codec("OutcomeEvent")
        self._trackers: dict[tuple[str, int], AckTracker[Any]] = {}
        self._finished: dict[str, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    async def run(self) -> None:
        """Serve until SIGTERM."""
        await self._producer.start()
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=512), timeout=self._session_timeout
        )
        self._client = httpx.AsyncClient(transport=AiohttpTransport(client=session))
        self._take(REQUESTS, self._classify)
        self._take(tier_topic("simple"), self._execute)
        self._app.finalize()
        self._app.on_partitions_assigned.connect(self._assigned)
        read_back = ReadBack(self._settings.librdkafka, PREFIX + OUTCOMES, self._read_back)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await self._app.maybe_start()
        await stop.wait()
        await self._app.stop()
        await read_back.close()
        await self._client.aclose()
        await session.close()
        await self._producer.stop()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        print(_READY, flush=True)

    def _take(self, topic: str, handler: Any) -> None:
        async def take_all(stream: Any) -> None:
            async for event in stream.noack().events():
                message = incoming(event.message)
                tracker = self._trackers.setdefault((topic, message.partition), AckTracker())
                tracker.open(message.offset, event)
                task = asyncio.create_task(self._work(handler, message, tracker))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

        self._app.agent(self._app.topic(PREFIX + topic), name=f"floor {topic}")(take_all)

    async def _work(self, handler: Any, message: Incoming, tracker: AckTracker[Any]) -> None:
        await handler(message)
        for event in tracker.finish(message.offset):
            event.ack()

    async def _classify(self, message: Incoming) -> None:
        request = orjson.loads(message.value or b"")
        record = self._tier.encode(tier_message(request, message))
        await self._send(tier_topic("simple"), record, message.key)

    async def _execute(self, message: Incoming) -> None:
        assert self._client is not None
        record = self._tier.decode(message.value or b"")
        answer = await self._client.post(
            f"{self._provider}/v1/chat/completions",
            content=orjson.dumps({"model": "gpt-4o-mini", **orjson.loads(record["body"])}),
            headers={"content-type": "application/json", "authorization": "Bearer none"},
        )
        choice = orjson.loads(answer.content)["choices"][0]
        reply = {"request_id": record["request_id"], "status": "replied", "message": choice}
        sent = [
            await self._hand_over(REPLIES, orjson.dumps(reply), message.key),
            await self._hand_over(COST, self._events[COST].encode(cost_event(record)), message.key),
            await self._hand_over(
                QUALITY, self._events[QUALITY].encode(quality_event(record)), message.key
            ),
        ]
        for future in sent:
            await future
        await self._send(OUTCOMES, self._outcome.encode(outcome_event(record)), message.key)

    def _read_back(self, values: Sequence[bytes]) -> None:
        for value in values:
            record = self._outcome.decode(value)
            self._finished[record["request_id"]] = record["kind"]
            if len(self._finished) > _FINISHED:
                self._finished.pop(next(iter(self._finished)))

    async def _hand_over(self, topic: str, value: bytes, key: bytes | None) -> Any:
        return await self._producer.send(PREFIX + topic, value=value, key=key)

    async def _send(self, topic: str, value: bytes, key: bytes | None) -> None:
        await (await self._hand_over(topic, value, key))


def main() -> None:
    """Serve the floor; the simulator's address comes from FLOOR_PROVIDER."""
    logging.basicConfig(level="WARNING")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    settings = WorkerSettings(group="floor")
    uvloop.run(_serve(settings, os.environ["FLOOR_PROVIDER"]))


async def _serve(settings: WorkerSettings, provider: str) -> None:
    await Floor(settings, provider).run()


if __name__ == "__main__":
    main()
