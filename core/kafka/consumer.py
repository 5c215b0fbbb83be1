"""The one way to open an aiokafka consumer, for every process and command.

Two things always hold: records of aborted or open transactions are not read, and a header whose
name is not UTF-8 does not stop the consumer (`core.kafka.tolerant_records`). The consumer that
Faust makes gets the same by `read_as_all_consumers_do`.
"""

from __future__ import annotations

from typing import Any

from aiokafka import AIOKafkaConsumer

from core.kafka.tolerant_records import tolerate_header_names


def open_consumer(*topics: str, **settings: Any) -> AIOKafkaConsumer:
    """A consumer that is not started; the arguments are aiokafka's."""
    tolerate_header_names()
    return AIOKafkaConsumer(*topics, isolation_level="read_committed", **settings)


def read_as_all_consumers_do(consumer: AIOKafkaConsumer) -> None:
    """Set a consumer that is made elsewhere, and not started, as `open_consumer` does."""
    tolerate_header_names()
    consumer._isolation_level = "read_committed"
