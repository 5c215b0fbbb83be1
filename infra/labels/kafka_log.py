"""The request topics on Kafka, read in offset ranges by one consumer without a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any

from aiokafka import TopicPartition

from core.kafka.standalone.bounded_reading import read_until
from core.kafka.standalone.librdkafka_consumer import standalone
from core.kafka.standalone.port import StandaloneConsumer
from infra.labels.request_log import LoggedValue, LogPlace, spans


class KafkaPromptLog:
    """A `PromptLog` over a broker; `on_range` is called after each range."""

    def __init__(
        self, librdkafka: Mapping[str, Any], *, on_range: Callable[[], None] = lambda: None
    ) -> None:
        self._librdkafka = librdkafka
        self._on_range = on_range
        self.missing_topics: set[str] = set()

    async def read(
        self, places: Collection[LogPlace]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        """Yield the records at these positions; positions outside the log are left out, and so are
        those of topics that do not exist (`missing_topics`).

        Raises:
            KafkaAwayError: Kafka does not answer.
            KafkaAccessError: Kafka rejects the connection, or the reading of a topic.
        """
        offsets: dict[TopicPartition, set[int]] = defaultdict(set)
        for place in places:
            offsets[TopicPartition(place.topic, place.partition)].add(place.offset)
        async with standalone(self._librdkafka) as consumer:
            counts = await consumer.counts({place.topic for place in places})
            self.missing_topics.update(topic for topic, count in counts.items() if not count)
            for partition, wanted in sorted(offsets.items()):
                if partition.partition < counts[partition.topic]:
                    async for each in self._read_partition(consumer, partition, wanted):
                        yield each

    async def _read_partition(
        self, consumer: StandaloneConsumer, partition: TopicPartition, wanted: set[int]
    ) -> AsyncIterator[tuple[LogPlace, LoggedValue]]:
        begin = (await consumer.begins([partition]))[partition]
        end = (await consumer.ends([partition]))[partition]
        for first, last in spans([offset for offset in wanted if begin <= offset < end]):
            consumer.assign({partition: first})
            async for records in read_until(consumer, {partition: last + 1}):
                for record in records:
                    if first <= record.offset <= last and record.offset in wanted:
                        place = LogPlace(
                            topic=record.topic, partition=record.partition, offset=record.offset
                        )
                        yield place, LoggedValue(value=record.value, timestamp=record.timestamp)
            self._on_range()
