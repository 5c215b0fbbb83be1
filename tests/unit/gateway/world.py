"""A gateway in memory: its application over HTTP, and workers that a function plays."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
from aiokafka import TopicPartition

from core.kafka.producer import Outgoing
from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from schemas.callers.headers import CORRELATION_ID
from schemas.gateway.headers import REPLY_PARTITION
from schemas.topics import GATEWAY_REPLIES
from streams.client.request_publisher import MemoryRequestPublisher
from streams.gateway.application import gateway_application
from streams.gateway.context import GatewayContext
from streams.gateway.dialects.answer import BegunAnswer
from streams.gateway.dialects.parsed_request import ParsedRequest
from streams.gateway.dispatch.reply_reader import ReplyReader
from streams.gateway.dispatch.stored_responses import StoredResponses
from streams.gateway.dispatch.submission import Submissions
from streams.gateway.dispatch.waiting import WaitingRequests
from streams.gateway.settings import GatewaySettings
from streams.registry.api_keys import ApiKey, digest_of, record_key
from streams.registry.history import RegistryRecord
from streams.registry.live import LiveRegistry
from streams.registry.version import parse_registry
from tests.unit.agents.world import REGISTRY
from tests.unit.agents.world import TIERS as WORLD_TIERS

PARTITIONS = 4
Answering = Callable[[Outgoing], dict[str, Any] | None]


class ManualClock:
    """Broker time and the counter, moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now(self) -> int:
        return self.ms

    def elapsed_ms(self) -> float:
        return float(self.ms)


def replied(record: Outgoing, content: str = "An answer.", **more: Any) -> dict[str, Any]:
    """A worker's reply to a request."""
    request = orjson.loads(record.value or b"{}")
    return {
        "request_id": request["request_id"],
        "status": "replied",
        "tenant": request["tenant"],
        "message": {"role": "assistant", "content": content},
        "model": "small",
        "provider": "openai",
        "call_id": "c1",
        "tier": "simple",
        "tiers_tried": ["simple"],
        "confidence": 0.9,
        "degraded": False,
        "finish_reason": "stop",
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_tokens": None,
            "cache_write_tokens": None,
            "reasoning_tokens": None,
        },
        "cost_usd": 0.000123456,
        "baseline_cost_usd": 0.01,
        "latency_ms": 12.0,
        "routing": None,
        "error": None,
        **more,
    }


def failed(record: Outgoing, code: str, *, retryable: bool = False, **more: Any) -> dict[str, Any]:
    """A worker's reply without an answer."""
    error = {"code": code, "message": f"{code} happened", "retryable": retryable}
    empty = dict.fromkeys(("message", "model", "tier", "finish_reason", "usage", "call_id"))
    return {**replied(record), **empty, "status": "failed", "error": error, **more}


@dataclass
class GatewayWorld:
    """One gateway. `answering` is what its workers reply; `None` is no reply. `working` plays them
    instead, if it is given.
    """

    answering: Answering = replied
    is_open: bool = True
    settings: dict[str, Any] = field(default_factory=dict)
    registry: str = REGISTRY
    has_registry: bool = True
    working: Callable[[Outgoing], None] | None = None

    def __post_init__(self) -> None:
        self.clock = ManualClock()
        self.topics = InMemoryTopics()
        self.topics.create(GATEWAY_REPLIES, PARTITIONS)
        self.publisher = MemoryRequestPublisher(self._work)
        self.waiting = WaitingRequests()
        self.numbers = itertools.count()
        self.live = LiveRegistry(WORLD_TIERS, _ignored)
        if self.has_registry:
            self.live.use(parse_registry(self.registry).snapshot)

    async def key(self, secret: str, **rights: Any) -> None:
        """Publish an API key."""
        key = ApiKey(**{"key_id": "k1", "tenant": "acme", **rights})
        await self.live.take(
            RegistryRecord(key=record_key(digest_of(secret)), value=key.as_json(), at=0)
        )

    async def revoke(self, secret: str) -> None:
        """Publish a key's tombstone."""
        await self.live.take(RegistryRecord(key=record_key(digest_of(secret)), value=None, at=0))

    def send(self, record: Outgoing, reply: dict[str, Any], *more: tuple[str, bytes]) -> None:
        """Append a record to the reply topic, as a worker does."""
        headers = dict(record.headers)
        place = TopicPartition(GATEWAY_REPLIES, int.from_bytes(headers[REPLY_PARTITION], "big"))
        self.topics.append(
            place,
            orjson.dumps(reply),
            headers=((CORRELATION_ID, headers[CORRELATION_ID]), *more),
            at=self.clock.now(),
        )

    def _work(self, record: Outgoing) -> None:
        if record.topic == GATEWAY_REPLIES:
            place = TopicPartition(GATEWAY_REPLIES, record.partition)
            self.topics.append(
                place, record.value, headers=tuple(record.headers), at=self.clock.now()
            )
        elif self.working is not None:
            self.working(record)
        elif CORRELATION_ID in dict(record.headers):
            reply = self.answering(record)
            if reply is not None:
                self.send(record, reply)

    @asynccontextmanager
    async def context(self) -> AsyncIterator[GatewayContext]:
        """What the endpoints share, with a running reader."""
        reader = ReplyReader(
            InMemoryConsumer(self.topics), InMemoryConsumer(self.topics), self.waiting,
            self.clock.now,
        )  # fmt: skip
        own = (1, 2)
        await reader.start(own)
        reading = asyncio.create_task(reader.run())
        settings = GatewaySettings.of(
            **{"gateway_open": self.is_open, "tiers": ",".join(WORLD_TIERS), **self.settings}
        )
        try:
            yield GatewayContext(
                settings=settings,
                registry=self.live,
                submissions=Submissions(
                    self.publisher, reader, self.waiting, self.clock,
                    own=own, partitions=PARTITIONS, new_id=lambda: f"r{next(self.numbers)}",
                ),
                stored=StoredResponses(
                    InMemoryConsumer(self.topics), reader, self.waiting, self.clock.now
                ),
                waiting=self.waiting,
                log=self.publisher,
                clock=self.clock,
                now_s=lambda: self.clock.now() / 1000,
            )  # fmt: skip
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client of the gateway."""
        async with self.context() as context:
            transport = httpx.ASGITransport(gateway_application(context))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as found:
                yield found


async def _ignored(*_: str) -> None:
    """Ignore a fault of the registry."""


BEGUN = BegunAnswer(
    request_id="r1", created=1, parsed=ParsedRequest(document={}, asked_model="auto")
)
"""An answer's beginning, for streams without an endpoint."""

CHAT = "/v1/chat/completions"
HELLO: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}


def sent(world: GatewayWorld, number: int = -1) -> dict[str, Any]:
    """The document of a published request."""
    found: dict[str, Any] = orjson.loads(world.publisher.records[number].value or b"")
    return found
