"""The request topics on Kafka, read in offset ranges by one consumer without a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.kafka.consumer import open_consumer
from infra.labels.request_log import LoggedValue, LogPlace, spans
from schemas.errors import SluiceError

_POLL_MS = 200
_PATIENCE_POLLS = 150


class PromptLogUnavailableError(SluiceError):
    """The broker stopped responding while requests were read."""


class KafkaPromptLog:
    """A `PromptLog` over a broker; `on_range` is called after each range."""

    def __init__(
        self, kafka: Mapping[str, Any], *, on_range: Callable[[], None] = lambda: None
    ) -> None:
        self._kafka = kafka
        self._on_range = on_range

    async def read(
        self, places: Collection[LogPlace]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        """Yield the records at these positions; positions outside the log are left out.

        Raises:
            PromptLogUnavailableError: the broker does not respond.
        """
        offsets: dict[TopicPartition, set[int]] = defaultdict(set)
        for place in places:
            offsets[TopicPartition(place.topic, place.partition)].add(place.offset)
        consumer = open_consumer(
            **self._kafka, enable_auto_commit=False, fetch_max_wait_ms=_POLL_MS
        )
        try:
            await consumer.start()
            topics = await consumer.topics()
            for partition, wanted in sorted(offsets.items()):
                if partition.topic in topics:
                    async for each in self._read_partition(consumer, partition, wanted):
                        yield each
        finally:
            await consumer.stop()

    async def _read_partition(
        self, consumer: AIOKafkaConsumer, partition: TopicPartition, wanted: set[int]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        consumer.assign([partition])
        begin = (await consumer.beginning_offsets([partition]))[partition]
        end = (await consumer.end_offsets([partition]))[partition]
        held = [offset for offset in wanted if begin <= offset < end]
        for first, last in spans(held):
            consumer.seek(partition, first)
            async for each in _read_span(consumer, partition, last, wanted):
                yield each
            self._on_range()


async def _read_span(
    consumer: AIOKafkaConsumer, partition: TopicPartition, last: int, wanted: set[int]
) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
    polls = 0
    while await consumer.position(partition) <= last:
        records = (await consumer.getmany(partition, timeout_ms=_POLL_MS)).get(partition, ())
        polls = 0 if records else polls + 1
        if polls == _PATIENCE_POLLS:
            raise PromptLogUnavailableError(
                f"{partition.topic}, partition {partition.partition}: no response within "
                f"{_PATIENCE_POLLS * _POLL_MS // 1000} s; check that the broker is running"
            )
        for record in records:
            if record.offset in wanted:
                place = LogPlace(
                    topic=record.topic, partition=record.partition, offset=record.offset
                )
                yield place, LoggedValue(value=record.value, timestamp=record.timestamp)
