"""Unreadable or unstorable records of event topics: counted, alerted, copied unchanged.

The row of `dead_letters` is one of the partition's own rows and is exact. This module adds two
best-effort reports: an alert for each topic with its latest bad record, and a copy of the bytes on
the topic's dead-letter topic, if one is declared. A record that is read again after a crash is
copied again. A record queued here when the process is killed is not copied. Its bytes stay on its
own topic until the end of retention.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from core.schema_registry import KnownSchemas
from schemas.alert_names import AlertName
from schemas.bad_records import UNDECODABLE, BadRecord, dead_letter_headers, kept_value
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import Alert
from schemas.journal_headers import Headers, without_nulls
from schemas.topic_declarations import declared_topics
from schemas.topics import ALERTS, MIB, dead_letter_topic
from sinks.clock import SinkClock
from sinks.rows.log_position import LogRecord
from sinks.settings import SinkSettings

log = logging.getLogger(__name__)

MOST_WAITING = 1_000
MOST_WAITING_BYTES = 32 * MIB
"""Most bad records queued for the dead-letter topic; further ones are counted only."""

REPORT_EVERY_S = 1.0
REPEAT_S = 600.0
"""Minimum interval between two alerts of the same topic."""

_DECLARED = frozenset(topic.name for topic in declared_topics())


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A queued dead letter."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """Return the bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """The two operations on the log. Both may raise `KafkaError`."""

    send: Callable[[Letter], Awaitable[None]]
    publish: Callable[[Alert], Awaitable[None]]


class BadRecordReports:
    """Queue of unreported bad records; `counted` is called with each record's topic."""

    def __init__(
        self,
        clock: SinkClock,
        instance: str,
        counted: Callable[[str], None] = lambda topic: None,
    ) -> None:
        self._clock = clock
        self._instance = instance
        self._counted = counted
        self._letters: deque[Letter] = deque()
        self._waiting_bytes = 0
        self._latest: dict[str, BadRecord] = {}
        self._fired: dict[str, float] = {}

    def note(self, bad: BadRecord, record: LogRecord) -> None:
        """Add an unreadable or unstorable record; never fails or waits."""
        self._counted(bad.topic)
        self._latest[bad.topic] = bad
        letter_topic = dead_letter_topic(bad.topic)
        if letter_topic in _DECLARED:
            about = dead_letter_headers(bad, cause=UNDECODABLE, worker=self._instance)
            letter = Letter(
                topic=letter_topic,
                key=record.key,
                value=kept_value(record.key, record.value),
                headers=[*without_nulls(record.headers), *about],
            )
            is_full = self._waiting_bytes + letter.size > MOST_WAITING_BYTES
            if not is_full and len(self._letters) < MOST_WAITING:
                self._letters.append(letter)
                self._waiting_bytes += letter.size

    async def publish(self, outlet: Outlet) -> None:
        """Raise the alerts that are due, and produce the queued dead letters.

        Raises:
            KafkaError: the broker rejected one; it is retried by the next call.
        """
        await self._raise_alerts(outlet)
        while self._letters:
            try:
                await outlet.send(self._letters[0])
            except KafkaError as error:
                if error.retriable:
                    raise
                # Too large, or no write permission: a retry would fail in the same way.
                log.warning(
                    "%s rejected a record: %s", self._letters[0].topic, type(error).__name__
                )
            self._waiting_bytes -= self._letters.popleft().size

    async def _raise_alerts(self, outlet: Outlet) -> None:
        now = self._clock.elapsed_s()
        for topic, bad in list(self._latest.items()):
            if now - self._fired.get(topic, float("-inf")) >= REPEAT_S:
                await outlet.publish(self._alert(bad))
                self._fired[topic] = now
            del self._latest[topic]

    def _alert(self, bad: BadRecord) -> Alert:
        return Alert(
            rule=AlertName.BAD_RECORD,
            subject=bad.topic,
            state="fired",
            severity="warning",
            message=f"{bad.in_words}. Check who writes to this topic; processing continues",
            at=self._clock.now_ms(),
            worker=self._instance,
        )


async def report_bad_records(
    bad: BadRecordReports, settings: SinkSettings, known: KnownSchemas | None
) -> None:
    """Report every second, until cancelled."""
    codec = Codec("Alert", known)
    while True:
        producer = AIOKafkaProducer(
            **settings.kafka, acks="all", max_request_size=_LARGEST_LETTER_BYTES
        )

        async def send(letter: Letter, producer: AIOKafkaProducer = producer) -> None:
            await producer.send_and_wait(
                letter.topic, letter.value, key=letter.key, headers=letter.headers
            )

        async def publish(alert: Alert, producer: AIOKafkaProducer = producer) -> None:
            log.warning("alert %s: %s", alert.rule, alert.message)
            value = codec.encode(as_record(alert))
            await producer.send_and_wait(ALERTS, value, key=alert.rule.encode(), partition=0)

        try:
            await producer.start()
            while True:
                await bad.publish(Outlet(send=send, publish=publish))
                await asyncio.sleep(REPORT_EVERY_S)
        except (KafkaError, OSError) as error:
            log.warning("cannot report bad records, retrying: %s", type(error).__name__)
        finally:
            await producer.stop()
        await asyncio.sleep(REPORT_EVERY_S)


_LARGEST_LETTER_BYTES = max(topic.max_message_bytes for topic in declared_topics())
