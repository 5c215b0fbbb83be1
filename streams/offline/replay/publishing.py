"""Writes a run's rows to the replay topic, and reads those of a run.

It is the only topic that a replay writes, by its own producer. A row is durable before the run
reports it as done: `flush` returns when the broker has all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from confluent_kafka import (
    KafkaError,
    KafkaException,
    Message,
    Producer,
)

from core.kafka.preflight import kafka_problem, no_answer
from schemas.encoding.codec import Codec
from schemas.errors import DeliveryError, UndecodableError
from schemas.topics import REPLAY_DECISIONS
from streams.offline.replay.request_log import RequestLog
from streams.offline.replay.rows import DECISION

RUN_HEADER = "replay-run"
_FLUSH_S = 60.0
_EVER = 2**62
"""A time, ms, after every record."""


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
        self._servers = str(kafka.get("bootstrap.servers") or "") or None
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
                f"{left} rows of the replay were not acknowledged. {no_answer(self._servers)}"
            )

    def _told(self, error: KafkaError | None, _: Message) -> None:
        self._failed = self._failed or error

    def _check(self) -> None:
        if self._failed is not None:
            problem = kafka_problem(KafkaException(self._failed), self._servers)
            raise DeliveryError(f"a row of the replay on {self._topic} was not written: {problem}")


def events_of_run(
    log: RequestLog, codec: Codec, run_id: str | None, *, topic: str = REPLAY_DECISIONS
) -> Iterator[dict[str, Any]]:
    """Yield the events of a run on the replay topic (of all runs, with `None`), up to its current
    end.

    An unreadable row is skipped: the run decides its request again.

    Raises:
        RequestLogUnavailableError: Kafka does not answer.
        NoTopicError: the topic is missing.
    """
    for span in log.spans([topic], 0, _EVER):
        for logged in log.read(span, with_headers=True):
            event = event_of_run(logged.headers, logged.value, codec, run_id)
            if event is not None:
                yield event


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
