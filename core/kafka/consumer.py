"""Factory of aiokafka consumers, for every process and command.

Records of aborted or open transactions are not read, and a header name that is not UTF-8 does not
stop the consumer (`core.kafka.tolerant_records`). A consumer that follows a topic for long fetches
by librdkafka (`core.kafka.fetcher`); one that reads once is cheaper without a second client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.kafka.fetch_thread import FetchThread
from core.kafka.fetcher import LibrdkafkaFetcher
from core.kafka.tolerant_records import tolerate_header_names

NO_GROUP = "sluice-reader"
"""librdkafka requires the name of a group; without a subscription it does not join it."""


class FollowingConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer that fetches by librdkafka, which `librdkafka` connects."""

    def __init__(self, *topics: str, librdkafka: Mapping[str, Any], **settings: Any) -> None:
        super().__init__(*topics, **settings)
        self._librdkafka = librdkafka

    async def start(self) -> None:
        """See aiokafka's consumer."""
        await super().start()
        await fetch_by_librdkafka(self, self._librdkafka)

    def highwater(self, partition: TopicPartition) -> int | None:
        """Return the end offset of an assigned partition, as known a second ago."""
        found: int | None = self._fetcher.highwater(partition)
        return found


def open_consumer(
    *topics: str, librdkafka: Mapping[str, Any] | None = None, **settings: Any
) -> AIOKafkaConsumer:
    """Return a consumer that is not started; the arguments are aiokafka's. With `librdkafka`, its
    connection settings, it fetches by it.
    """
    tolerate_header_names()
    if librdkafka is None:
        return AIOKafkaConsumer(*topics, isolation_level="read_committed", **settings)
    return FollowingConsumer(
        *topics, librdkafka=librdkafka, isolation_level="read_committed", **settings
    )


def read_as_all_consumers_do(consumer: AIOKafkaConsumer) -> None:
    """Configure a consumer created elsewhere, before its start, like `open_consumer`."""
    tolerate_header_names()
    consumer._isolation_level = "read_committed"


async def fetch_by_librdkafka(consumer: AIOKafkaConsumer, librdkafka: Mapping[str, Any]) -> None:
    """Replace the fetcher of a consumer that was just started, with its settings."""
    await consumer._fetcher.close()
    settings = {
        **librdkafka,
        "group.id": consumer._group_id or NO_GROUP,
        "fetch.wait.max.ms": consumer._fetch_max_wait_ms,
        "fetch.min.bytes": consumer._fetch_min_bytes,
        "max.partition.fetch.bytes": consumer._max_partition_fetch_bytes,
    }
    consumer._fetcher = LibrdkafkaFetcher(
        consumer._client,
        consumer._subscription,
        fetch_min_bytes=consumer._fetch_min_bytes,
        fetch_max_bytes=consumer._fetch_max_bytes,
        fetch_max_wait_ms=consumer._fetch_max_wait_ms,
        max_partition_fetch_bytes=consumer._max_partition_fetch_bytes,
        retry_backoff_ms=consumer._retry_backoff_ms,
        auto_offset_reset=consumer._auto_offset_reset,
        isolation_level=consumer._isolation_level,
        open_source=lambda arrived: FetchThread(settings, arrived),
    )
