"""Factory of aiokafka consumers: those of groups, and of readers that need aiokafka.

Records of aborted or open transactions are not read, and a header name that is not UTF-8 does not
stop the consumer (`core.kafka.tolerant_records`). A worker's group fetches by librdkafka
(`core.kafka.fetcher`). Readers without a group use `core.kafka.standalone`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer

from core.kafka.fetch_thread import NO_GROUP, FetchThread
from core.kafka.fetcher import LibrdkafkaFetcher
from core.kafka.tolerant_records import tolerate_header_names


def open_consumer(*topics: str, **settings: Any) -> AIOKafkaConsumer:
    """Return a consumer that is not started; the arguments are aiokafka's."""
    tolerate_header_names()
    return AIOKafkaConsumer(*topics, isolation_level="read_committed", **settings)


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
