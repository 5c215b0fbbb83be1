"""Writes a run's rows to the replay topic, and reads those of a run.

It is the only topic that a replay writes, by its own producer. A row is durable before the run
reports it as done: `flush` returns when the broker has all rows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from schemas.encoding.codec import Codec
from schemas.errors import DeliveryError, UndecodableError
from schemas.topics import REPLAY_DECISIONS
from streams.offline.replay.request_log import RequestLogUnavailableError
from streams.offline.replay.rows import DECISION

RUN_HEADER = "replay-run"
_TIMEOUT_S = 10.0
_FLUSH_S = 60.0
_PATIENCE_S = 30.0


class Rows(Protocol):
    """Sink of a run's rows."""

    def put(self, run_id: str, key: str, value: bytes) -> None:
        """Add an encoded row of a run."""
        ...

    def flush(self) -> None:
        """Wait until all added rows are durable."""
        ...


class KafkaRows:
    """`Rows` on the replay topic."""

    def __init__(self, kafka: Mapping[str, Any], *, topic: str = REPLAY_DECISIONS) -> None:
        self._topic = topic
        self._failed: KafkaError | None = None
        self._producer = Producer(
            {
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 20,
                "compression.type": "lz4",
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 200_000,
                "message.timeout.ms": int(_FLUSH_S * 1000),
                "log_level": 0,
                **kafka,
            }
        )

    def put(self, run_id: str, key: str, value: bytes) -> None:
        """See `Rows.put`.

        Raises:
            DeliveryError: the broker refused a row.
        """
        headers: list[tuple[str, str | bytes | None]] = [(RUN_HEADER, run_id.encode())]
        while True:
            try:
                self._producer.produce(
                    self._topic, value, key.encode(), on_delivery=self._told, headers=headers
                )
            except BufferError:
                self._producer.poll(0.5)
                self._check()
                continue
            return

    def flush(self) -> None:
        """See `Rows.flush`.

        Raises:
            DeliveryError: the broker refused a row, or does not answer.
        """
        left = self._producer.flush(_FLUSH_S)
        self._check()
        if left:
            raise DeliveryError(
                f"{left} rows of the replay were not acknowledged by Kafka; check that it is up"
            )

    def _told(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or error

    def _check(self) -> None:
        if self._failed is not None:
            raise DeliveryError(
                f"Kafka rejected a row of the replay on {self._topic} ({self._failed.name()})"
            )


def events_of_run(
    kafka: Mapping[str, Any], codec: Codec, run_id: str | None, *, topic: str = REPLAY_DECISIONS
) -> Iterator[dict[str, Any]]:
    """Yield the events of a run on the replay topic (of all runs, with `None`), up to its current
    end.

    An unreadable row is skipped: the run decides its request again.

    Raises:
        RequestLogUnavailableError: Kafka does not answer, or has no such topic.
    """
    consumer = Consumer(
        {
            "group.id": "sluice-replay-reads-without-a-group",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 50,
            "isolation.level": "read_committed",
            "log_level": 0,
            **kafka,
        }
    )
    try:
        for place, end in _ends(consumer, topic):
            for message in _messages(consumer, place, end):
                event = event_of_run(
                    dict(message.headers() or ()).items(), message.value(), codec, run_id
                )
                if event is not None:
                    yield event
    except KafkaException as error:
        raise RequestLogUnavailableError(
            f"Kafka does not answer ({error.args[0].name()}); check that it is up"
        ) from None
    finally:
        consumer.close()


def event_of_run(
    headers: Iterable[tuple[str, str | bytes | None]],
    value: bytes | None,
    codec: Codec,
    run_id: str | None,
) -> dict[str, Any] | None:
    """Return the event of a record for a run (for any, with `None`); `None` for another run's, and
    for an unreadable one.
    """
    wanted = None if run_id is None else run_id.encode()
    if value is None or wanted not in {None, dict(headers).get(RUN_HEADER)}:
        return None
    try:
        event = codec.decode(value)
    except UndecodableError:
        return None
    return None if event["kind"] == DECISION and event["source"] is None else event


def _ends(consumer: Consumer, topic: str) -> list[tuple[TopicPartition, int]]:
    found = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise RequestLogUnavailableError(f"topic {topic} does not exist; run sluice topics create")
    places = []
    for partition in sorted(found.partitions):
        low, high = consumer.get_watermark_offsets(
            TopicPartition(topic, partition), timeout=_TIMEOUT_S
        )
        if low < high:
            places.append((TopicPartition(topic, partition, low), high))
    return places


def _messages(consumer: Consumer, place: TopicPartition, end: int) -> Iterator[Message]:
    consumer.assign([place])
    patience = time.monotonic() + _PATIENCE_S
    while True:
        for message in consumer.consume(2_000, timeout=0.2):
            if message.error() is not None:
                raise KafkaException(message.error())
            patience = time.monotonic() + _PATIENCE_S
            if int(message.offset() or 0) < end:
                yield message
        (position,) = consumer.position([place])
        if position.offset >= end:
            return
        if time.monotonic() > patience:
            raise RequestLogUnavailableError(f"{place.topic}: no answer within {_PATIENCE_S:.0f} s")
