"""Publishing of requests: a port, its Kafka adapter, and the watch that notices a lost broker.

The producer retries for a minute, which is right for a record that is sent, and too long for a
client that could try again elsewhere. The watch asks a broker for metadata several times a second.
While none answers, new requests are refused at once, and the wait for an acknowledgement ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from core.clock import BrokerClock
from core.kafka.producer import Outgoing
from core.kafka.publishing.pending import produce_problem
from schemas.errors import DeliveryError, KafkaAwayError

AWAY_S = 0.8
"""Time without an answer of a broker after which it counts as away."""

_LOOK_S = 0.2
_LOG_APPEND_TIME = 1
_AWAY = "Kafka does not answer; retry, and check that the brokers run"


class RequestPublisher(Protocol):
    """Accepts requests."""

    async def publish(self, record: Outgoing) -> None:
        """Publish a request; return when all in-sync replicas have it.

        Raises:
            UnconfirmedError: no broker answers. The record may be delivered nevertheless.
            KafkaAwayError: no broker answers. The record was not sent.
            DeliveryError: the broker rejected the record.
        """
        ...


class UnconfirmedError(KafkaAwayError):
    """A record was sent, and no broker confirms it. `outcome` ends when it is known."""

    def __init__(self, outcome: asyncio.Future[object]) -> None:
        super().__init__(_AWAY)
        self.outcome = outcome


class BrokerWatch:
    """Notes when a broker answered last."""

    def __init__(
        self, producer: AIOKafkaProducer, elapsed_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._producer = producer
        self._elapsed_s = elapsed_s
        self._answered_at = elapsed_s()

    def is_away(self) -> bool:
        """Return whether no broker answers."""
        return self._elapsed_s() - self._answered_at > AWAY_S

    async def run(self) -> None:
        """Watch, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(AWAY_S):
                    await self._producer.client.fetch_all_metadata()
                self._answered_at = self._elapsed_s()
            except (KafkaError, OSError, TimeoutError):
                pass  # `is_away` tells of it.
            await asyncio.sleep(_LOOK_S)


def _is_never_away() -> bool:
    return False


class KafkaRequestPublisher:
    """`RequestPublisher` on a broker; acknowledgements set `clock` to broker time. Without a watch
    that tells when the broker `is_away`, a record waits for it for the producer's own time-out.
    """

    def __init__(
        self,
        producer: AIOKafkaProducer,
        clock: BrokerClock,
        is_away: Callable[[], bool] = _is_never_away,
    ) -> None:
        self._producer = producer
        self._is_away = is_away
        self._clock = clock

    async def publish(self, record: Outgoing) -> None:
        """See `RequestPublisher.publish`."""
        if self._is_away():
            raise KafkaAwayError(_AWAY)
        sent = self._clock.elapsed_ms()
        try:
            sending: asyncio.Future[Any] = asyncio.ensure_future(
                self._producer.send_and_wait(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=record.headers,
                    partition=record.partition,
                )
            )
            while not (await asyncio.wait({sending}, timeout=_LOOK_S))[0]:
                if self._is_away():
                    sending.add_done_callback(_ignore)
                    raise UnconfirmedError(sending)
            found = sending.result()
        except (KafkaConnectionError, KafkaTimeoutError) as error:
            raise KafkaAwayError(_AWAY) from error
        except KafkaError as error:
            raise DeliveryError(
                f"{record.topic} did not take a request: {produce_problem(error)}"
            ) from error
        if found.timestamp_type == _LOG_APPEND_TIME:
            self._clock.observe(found.timestamp, sent, self._clock.elapsed_ms())


class MemoryRequestPublisher:
    """`RequestPublisher` in memory, for tests: `fault` is what publishing raises."""

    def __init__(self, published: Callable[[Outgoing], None] = lambda _: None) -> None:
        self._published = published
        self.records: list[Outgoing] = []
        self.fault: Exception | None = None

    async def publish(self, record: Outgoing) -> None:
        """See `RequestPublisher.publish`."""
        if self.fault is not None:
            raise self.fault
        self.records.append(record)
        self._published(record)


def _ignore(sending: asyncio.Future[object]) -> None:
    """Take the result of a record that nobody waits for: its client was told to retry."""
    if not sending.cancelled():
        sending.exception()
