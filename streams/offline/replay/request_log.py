"""Reader of the request topics in spans of offsets, without a consumer group.

Invariants: nothing is committed and no group is joined, so live readers are unaffected. A span is
read to its end, or an error is raised.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import (
    OFFSET_END,
    Consumer,
    KafkaException,
    Message,
    TopicPartition,
)

from core.kafka.assigned_partitions import headers_of
from core.kafka.preflight import kafka_problem, no_answer
from schemas.errors import SluiceError
from streams.offline.replay.run_spec import OffsetSpan

_TIMEOUT_S = 10.0
_CHECK_S = 5.0
_PATIENCE_S = 30.0
_POLL_S = 0.2
_AT_ONCE = 16
"""Maximum number of records taken from the prefetch in one call; a request has at most 4 MiB."""

_QUEUE_KIB = 32 * 1024
"""Maximum size of the client's prefetch; one record and its batch may be added."""

_NO_GROUP = "sluice-replay-reads-without-a-group"
"""The client requires a group id even without joining a group; nothing is ever committed under
it.
"""


class RequestLogUnavailableError(SluiceError):
    """Kafka does not answer, or stopped answering."""


class NoTopicError(SluiceError):
    """A request topic does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One record: its position, broker time in ms, its bytes."""

    offset: int
    timestamp: int
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


class RequestLog(Protocol):
    """Port to read requests again."""

    def spans(self, topics: Sequence[str], since: int, until: int) -> list[OffsetSpan]:
        """Return the offsets of every partition appended in this time, ms, `until` excluded."""
        ...

    def held(self, span: OffsetSpan) -> OffsetSpan:
        """Return the partition's offsets that the log still has."""
        ...

    def read(self, span: OffsetSpan, *, with_headers: bool = False) -> Iterator[Logged]:
        """Yield the records of a span in order; deleted ones are skipped. Headers cost time."""
        ...


class KafkaRequestLog:
    """A `RequestLog` over a broker."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        self._consumer = Consumer(
            {
                "group.id": _NO_GROUP,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": False,
                "fetch.wait.max.ms": 50,
                "isolation.level": "read_committed",
                "queued.min.messages": 20_000,
                "queued.max.messages.kbytes": _QUEUE_KIB,
                "log_level": 0,
                **kafka,
            }
        )
        self._servers = str(kafka.get("bootstrap.servers") or "") or None
        self._goes_on: tuple[str, int, int] | None = None
        self._ahead: list[Message] = []

    def spans(self, topics: Sequence[str], since: int, until: int) -> list[OffsetSpan]:
        """See `RequestLog.spans`.

        Raises:
            NoTopicError: a topic is missing.
            RequestLogUnavailableError: the broker does not answer.
        """
        places = [(topic, partition) for topic in topics for partition in self._partitions(topic)]
        starts, ends = self._offsets(places, since), self._offsets(places, until)
        return [
            OffsetSpan(topic=topic, partition=partition, first=first, end=max(end, first))
            for (topic, partition), first, end in zip(places, starts, ends, strict=True)
        ]

    def held(self, span: OffsetSpan) -> OffsetSpan:
        """See `RequestLog.held`.

        Raises:
            RequestLogUnavailableError: the broker does not answer.
        """
        try:
            low, high = self._consumer.get_watermark_offsets(
                TopicPartition(span.topic, span.partition), timeout=_TIMEOUT_S
            )
        except KafkaException as error:
            raise self._unavailable(error) from None
        return OffsetSpan(topic=span.topic, partition=span.partition, first=low, end=high)

    def read(self, span: OffsetSpan, *, with_headers: bool = False) -> Iterator[Logged]:
        """See `RequestLog.read`.

        Raises:
            RequestLogUnavailableError: the broker stopped answering.
        """
        held = self.held(span)
        first, end = max(span.first, held.first), min(span.end, held.end)
        if first >= end:
            return
        place = TopicPartition(span.topic, span.partition, first)
        # Keep the prefetched records if the last span ended at this offset.
        if self._goes_on != (span.topic, span.partition, first):
            self._consumer.assign([place])
            self._ahead = []
        self._goes_on = None
        patience = time.monotonic() + _PATIENCE_S
        at = first
        while at < end:
            messages, self._ahead = self._ahead, []
            if not messages:
                # It waits for as many as it is asked for.
                messages = self._consumer.consume(min(_AT_ONCE, end - at), _POLL_S)
            for number, message in enumerate(messages):
                error = message.error()
                if error is not None:
                    raise self._unavailable(KafkaException(error), span.topic)
                offset = int(message.offset() or 0)
                if offset >= end:
                    at, self._ahead = end, messages[number:]
                    break
                at = offset + 1
                _, timestamp = message.timestamp()
                yield Logged(
                    offset=offset,
                    timestamp=timestamp,
                    value=message.value(),
                    headers=(headers_of(message) or ()) if with_headers else (),
                )
            if messages:
                patience = time.monotonic() + _PATIENCE_S
            elif self._is_past(place, end):
                return
            elif time.monotonic() > patience:
                raise RequestLogUnavailableError(
                    f"{span.topic}, partition {span.partition}: no record within "
                    f"{_PATIENCE_S:.0f} s. {no_answer(self._servers)}"
                )
        self._goes_on = (span.topic, span.partition, end)

    def check(self) -> None:
        """Check that the broker answers.

        Raises:
            RequestLogUnavailableError: it does not answer.
        """
        try:
            self._consumer.list_topics(timeout=_CHECK_S)
        except KafkaException as error:
            raise self._unavailable(error) from None

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _unavailable(
        self, error: KafkaException, topic: str | None = None
    ) -> RequestLogUnavailableError:
        problem = kafka_problem(error, self._servers)
        return RequestLogUnavailableError(f"{topic}: {problem}" if topic else problem)

    def _is_past(self, place: TopicPartition, end: int) -> bool:
        """Return whether only markers, or nothing, remain before the span's end."""
        (position,) = self._consumer.position([place])
        return position.offset >= end

    def _partitions(self, topic: str) -> list[int]:
        try:
            found = self._consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise self._unavailable(error) from None
        if found.error is not None or not found.partitions:
            raise NoTopicError(f"topic {topic} does not exist; run sluice topics create")
        return sorted(found.partitions)

    def _offsets(self, places: Sequence[tuple[str, int]], at: int) -> list[int]:
        wanted = [TopicPartition(topic, partition, at) for topic, partition in places]
        try:
            found = self._consumer.offsets_for_times(wanted, timeout=_TIMEOUT_S)
            return [
                each.offset
                if each.offset not in {OFFSET_END, -1}
                else self._consumer.get_watermark_offsets(each, timeout=_TIMEOUT_S)[1]
                for each in found
            ]
        except KafkaException as error:
            raise self._unavailable(error) from None


class InMemoryRequestLog:
    """In-memory twin: records by topic and partition, from an offset on."""

    def __init__(self, records: Mapping[tuple[str, int], Sequence[Logged]]) -> None:
        self._records = records

    def spans(self, topics: Sequence[str], since: int, until: int) -> list[OffsetSpan]:
        """See `RequestLog.spans`."""
        found = []
        for (topic, partition), records in sorted(self._records.items()):
            inside = [each.offset for each in records if since <= each.timestamp < until]
            if topic in topics and inside:
                first, end = inside[0], inside[-1] + 1
                found.append(OffsetSpan(topic=topic, partition=partition, first=first, end=end))
        return found

    def held(self, span: OffsetSpan) -> OffsetSpan:
        """See `RequestLog.held`."""
        records = self._records.get((span.topic, span.partition), ())
        first = records[0].offset if records else 0
        end = records[-1].offset + 1 if records else 0
        return OffsetSpan(topic=span.topic, partition=span.partition, first=first, end=end)

    def read(self, span: OffsetSpan, *, with_headers: bool = False) -> Iterator[Logged]:
        """See `RequestLog.read`."""
        for each in self._records.get((span.topic, span.partition), ()):
            if span.first <= each.offset < span.end:
                yield each
