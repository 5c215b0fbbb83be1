"""Factory of aiokafka consumers, for every process and command.

Records of aborted or open transactions are not read, and a header name that is not UTF-8 does not
stop the consumer (`core.kafka.tolerant_records`). Faust's consumer gets the same settings from
`read_as_all_consumers_do`.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from core.kafka.tolerant_records import tolerate_header_names


def open_consumer(*topics: str, **settings: Any) -> AIOKafkaConsumer:
    """Return a consumer that is not started; the arguments are aiokafka's."""
    tolerate_header_names()
    return AIOKafkaConsumer(*topics, isolation_level="read_committed", **settings)


def read_as_all_consumers_do(consumer: AIOKafkaConsumer) -> None:
    """Configure a consumer created elsewhere, before its start, like `open_consumer`."""
    tolerate_header_names()
    consumer._isolation_level = "read_committed"
