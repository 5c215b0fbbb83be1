"""Request and reply over topics.

Invariants: the consumer is at the end of the reply topic before the first request is sent, so no
reply is missed. A reply belongs to the request whose correlation id it echoes. The first of several
replies counts.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from core.kafka.access import KafkaAccess
from core.kafka.preflight import check_connection, kafka_problem
from core.kafka.publishing.paced_metadata import pace_metadata
from core.kafka.publishing.pending import produce_problem
from core.kafka.publishing.required_topics import require_topic
from core.kafka.standalone.librdkafka_consumer import standalone
from core.kafka.standalone.port import StandaloneConsumer
from schemas.encoding.json_bounds import read_writable
from schemas.errors import LocalStackError
from schemas.journal_headers import JournalKind
from schemas.topics import MAX_REQUEST_BYTES, MIB, REPLIES, REQUESTS

Document = dict[str, Any]

CORRELATION_ID = "correlation-id"
_FETCH_WAIT_MS = 50
_PARTITIONS_S = 5.0
"""Interval of the search for added partitions of the reply topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedReply:
    """A reply and its latency, ms, by this caller's clock."""

    reply: Document
    waited_ms: float


class Caller(Protocol):
    """Sends a request and returns a future of its reply."""

    async def call(self, request: Mapping[str, Any]) -> asyncio.Future[ReceivedReply]:
        """Publish a request; the future completes with its reply.

        Raises:
            LocalStackError: the broker did not accept it.
        """
        ...

    def unreadable_in_words(self) -> str:
        """Return a note about unreadable replies, for a missing reply; empty if there were none."""
        ...


class KafkaCaller:
    """A caller on a broker. `repeated` counts replies beyond the first, `unreadable` counts records
    with a correlation id of this caller that hold no reply.
    """

    def __init__(self, producer: AIOKafkaProducer, topic: str = REQUESTS) -> None:
        self._producer = producer
        self._topic = topic
        self._run = uuid.uuid4().hex[:12]
        self._sent = 0
        self._waiting: dict[bytes, tuple[float, asyncio.Future[ReceivedReply]]] = {}
        self._received: set[bytes] = set()
        self.repeated = 0
        self.unreadable = 0

    async def call(self, request: Mapping[str, Any]) -> asyncio.Future[ReceivedReply]:
        """See `Caller.call`."""
        correlation = f"{self._run}-{self._sent}".encode()
        self._sent += 1
        future: asyncio.Future[ReceivedReply] = asyncio.get_running_loop().create_future()
        self._waiting[correlation] = (time.perf_counter(), future)
        request_id = request.get("request_id")
        try:
            await self._producer.send_and_wait(
                self._topic,
                value=orjson.dumps(request),
                key=str(request_id).encode() if request_id is not None else None,
                headers=[(CORRELATION_ID, correlation)],
            )
        except KafkaError as error:
            del self._waiting[correlation]
            raise LocalStackError(
                f"cannot publish a request to {self._topic}: {produce_problem(error)}"
            ) from error
        return future

    def receive(self, correlation: bytes | None, value: bytes | None) -> None:
        """Handle a record of the reply topic. Replies to other callers are skipped, and so are
        unreadable records: another process wrote them, and the reply may still arrive.
        """
        if correlation is None:
            return
        if correlation not in self._waiting:
            self.repeated += correlation in self._received
            return
        reply = _read_reply(value)
        if reply is None:
            self.unreadable += 1
            return
        waiting = self._waiting.pop(correlation)
        self._received.add(correlation)
        started, future = waiting
        if not future.done():
            waited_ms = (time.perf_counter() - started) * 1000
            future.set_result(ReceivedReply(reply=reply, waited_ms=waited_ms))

    def unreadable_in_words(self) -> str:
        """See `Caller.unreadable_in_words`."""
        if not self.unreadable:
            return ""
        return (
            f"; {self.unreadable} records on {REPLIES} are not readable as replies: check who "
            "writes to it"
        )

    def fail(self, error: BaseException) -> None:
        """Fail all open requests: no more replies will be read."""
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(error)


@asynccontextmanager
async def kafka_caller(
    bootstrap_servers: str, topic: str = REQUESTS, access: KafkaAccess | None = None
) -> AsyncIterator[KafkaCaller]:
    """Open a caller on the default reply topic; `access` defaults to the environment's.

    Raises:
        KafkaAwayError, LocalStackError: the broker does not respond.
        KafkaAccessError: the broker rejects the connection.
        TopicError: the request topic or the reply topic does not exist.
    """
    access = access or KafkaAccess()
    kafka = access.kafka_at(bootstrap_servers)
    await check_connection(kafka, must_answer=True)
    producer = AIOKafkaProducer(
        **kafka,
        enable_idempotence=True,
        max_request_size=2 * MAX_REQUEST_BYTES + MIB,
    )
    pace_metadata(producer)
    try:
        async with standalone(
            access.librdkafka_at(bootstrap_servers), wait_ms=_FETCH_WAIT_MS
        ) as consumer:
            await producer.start()
            await require_topic(producer, topic)
            positions = await consumer.ends(await reply_partitions(consumer))
            consumer.assign(positions)
            caller = KafkaCaller(producer, topic)
            listening = asyncio.create_task(listen(consumer, caller, positions))
            try:
                yield caller
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    except KafkaError as error:
        raise LocalStackError(kafka_problem(error, bootstrap_servers)) from error
    finally:
        await producer.stop()


def _read_reply(value: bytes | None) -> Document | None:
    try:
        reply = read_writable(value or b"")
    except orjson.JSONDecodeError:
        return None
    return reply if isinstance(reply, dict) and _is_sound(reply) else None


_TYPES: Mapping[str, Any] = {
    "request_id": str,
    "status": str,
    "tiers_tried": list,
    "latency_ms": int | float,
    "cost_usd": int | float | None,
    "baseline_cost_usd": int | float | None,
    "message": dict | None,
    "model": str | None,
    "tier": str | None,
    "routing": dict | None,
    "error": dict | None,
}
"""Fields of a reply that are shown or summed; every reply has them."""

_LARGEST = 1e12
"""The maximum of milliseconds, or USD, of one reply."""


def _is_sound(reply: Document) -> bool:
    """Return whether this client can read a record as a worker's reply."""
    if not all(name in reply and isinstance(reply[name], of) for name, of in _TYPES.items()):
        return False
    error, routing = reply["error"], reply["routing"]
    if (reply["status"] != JournalKind.REPLIED and error is None) or not _are_sums(reply):
        return False
    if not _is_message(reply["message"] or {}):
        return False
    texts = [
        *reply["tiers_tried"],
        *(() if error is None else (error.get("code"), error.get("message"))),
    ]
    if routing:
        reasons = routing.get("reasons")
        texts += [routing.get("classifier"), *(reasons if isinstance(reasons, list) else [None])]
    return all(isinstance(each, str) for each in texts)


def _are_sums(reply: Document) -> bool:
    """Return whether cost and latency are numbers that can be added."""
    amounts = (reply[name] for name in ("latency_ms", "cost_usd", "baseline_cost_usd"))
    return all(each is None or abs(each) <= _LARGEST for each in amounts)


def _is_message(message: Document) -> bool:
    """Return whether a message's tool calls name functions and arguments."""
    calls = message.get("tool_calls")
    return calls is None or (
        isinstance(calls, list)
        and all(
            isinstance(call, dict)
            and isinstance(function := call.get("function"), dict)
            and isinstance(function.get("name"), str)
            and isinstance(function.get("arguments"), str)
            for call in calls
        )
    )


async def reply_partitions(consumer: StandaloneConsumer) -> list[TopicPartition]:
    """Return the partitions of the reply topic."""
    return [TopicPartition(REPLIES, number) for number in range(await consumer.partitions(REPLIES))]


async def listen(
    consumer: StandaloneConsumer, caller: KafkaCaller, positions: Mapping[TopicPartition, int]
) -> None:
    """Pass new replies to a caller, until cancelled; added partitions are read from their
    beginning. All waiting requests fail if reading fails.
    """
    places = dict(positions)
    looked_at = time.monotonic()
    try:
        while True:
            for record in await consumer.read(timeout_s=_PARTITIONS_S):
                headers = dict(reversed(record.headers))
                caller.receive(headers.get(CORRELATION_ID), record.value)
            if time.monotonic() - looked_at >= _PARTITIONS_S:
                looked_at = time.monotonic()
                added = [each for each in await reply_partitions(consumer) if each not in places]
                if added:
                    places = {place: consumer.position(place) for place in places}
                    places |= dict.fromkeys(added, 0)
                    consumer.assign(places)
    except Exception as error:  # noqa: BLE001 - waiting requests must fail with the cause
        caller.fail(LocalStackError(f"reading of the reply topic failed: {error}"))
