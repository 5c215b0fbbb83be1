"""The partitions that a consumer of librdkafka reads. Only the thread that polls uses it."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from operator import methodcaller
from typing import Any

from aiokafka import TopicPartition
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as Position

from core.kafka.fetch_source import Batch, FetchedRecord, PartitionBatch

log = logging.getLogger(__name__)

MEASURE_S = 1.0
"""Interval of the measurement of end offsets."""


_LASTING = frozenset(
    (
        KafkaError._AUTO_OFFSET_RESET,
        KafkaError.OFFSET_OUT_OF_RANGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    )
)
"""Errors after which a partition must be assigned again; librdkafka recovers from the others."""

_headers = methodcaller("headers")
"""Calls `Message.headers` with the interpreter's check of the result: confluent-kafka returns a
list with a null pointer, and an exception, for a name that is not UTF-8.
"""


class AssignedPartitions:
    """See the module. `highwaters` are the end offsets, as known a second ago."""

    def __init__(self, *, needs_headers: bool) -> None:
        self._needs_headers = needs_headers
        self.generation = 0
        self.highwaters: Mapping[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._stopped: set[TopicPartition] = set()
        self._places: dict[tuple[str, int], TopicPartition] = {}
        self._measured_at = 0.0

    @property
    def assigned(self) -> bool:
        """Return whether any partition is assigned."""
        return bool(self._places)

    def assign(
        self, consumer: Consumer, generation: int, offsets: Mapping[TopicPartition, int]
    ) -> None:
        """Read these partitions from these offsets, and no others."""
        if self._paused:
            # librdkafka keeps a pause over assignments, also one that leaves the partition out.
            consumer.resume([Position(*place) for place in self._paused])
            self._paused = set()
        consumer.assign(
            [Position(place.topic, place.partition, offset) for place, offset in offsets.items()]
        )
        self.generation = generation
        self._places = {(place.topic, place.partition): place for place in offsets}
        self._stopped = set()
        self._measured_at = 0.0

    def pause(self, consumer: Consumer, places: Collection[TopicPartition]) -> None:
        """Fetch no more records of these partitions."""
        known = [place for place in places if tuple(place) in self._places]
        if known:
            consumer.pause([Position(*place) for place in known])
            self._paused.update(known)

    def resume(self, consumer: Consumer, places: Collection[TopicPartition]) -> None:
        """Continue with paused partitions."""
        known = [place for place in places if place in self._paused]
        if known:
            consumer.resume([Position(*place) for place in known])
            self._paused.difference_update(known)

    def batch_of(self, messages: Iterable[Any]) -> Batch:
        """Return what was fetched of the assigned partitions."""
        batch: dict[TopicPartition, PartitionBatch] = {}
        for message in messages:
            place = self._places.get((message.topic(), message.partition()))
            if place is None or place in self._stopped:
                continue
            found = batch.get(place)
            if found is None:
                found = batch[place] = PartitionBatch()
            if not _add(message, place, found, needs_headers=self._needs_headers):
                self._stopped.add(place)
        return batch

    def measure(self, consumer: Consumer) -> None:
        """Note the ends of all partitions, now and then."""
        now = time.monotonic()
        if now - self._measured_at < MEASURE_S:
            return
        self._measured_at = now
        found = {}
        for place in self._places.values():
            low_high = consumer.get_watermark_offsets(Position(*place), cached=True)
            if low_high is not None and low_high[1] >= 0:
                found[place] = low_high[1]
        self.highwaters = found


def headers_of(message: Any) -> tuple[tuple[str, bytes | None], ...] | None:
    """Return the headers of a message; `None` if a name is not UTF-8."""
    try:
        return tuple(_headers(message) or ())
    except (SystemError, UnicodeDecodeError):
        return None


def _add(
    message: Any, place: TopicPartition, to: PartitionBatch, *, needs_headers: bool = True
) -> bool:
    """Add a message; return whether its partition can be read on. It cannot if headers are needed
    and unreadable; otherwise such a record has none.
    """
    error = message.error()
    offset = message.offset()
    if error is not None:
        code = error.code()
        if code == KafkaError._PARTITION_EOF:
            to.next_offset = max(to.next_offset, offset)
            return True
        if code not in _LASTING:
            log.warning("%s:%d: %s", place.topic, place.partition, error.str())
            return True
        to.error = error
        return False
    headers = headers_of(message)
    if headers is None:
        if needs_headers:
            to.unreadable = offset
            return False
        log.warning(
            "%s:%d: offset %d is read without its headers: a name is not UTF-8", *place, offset
        )
    kind, timestamp = message.timestamp()
    to.records.append(
        FetchedRecord(
            place.topic,
            place.partition,
            offset,
            timestamp,
            kind - 1,
            message.key(),
            message.value(),
            headers or (),
        )
    )
    to.next_offset = offset + 1
    return True
