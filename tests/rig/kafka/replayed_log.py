"""A log that real handlers recorded in memory, put on a real Kafka as if it had happened there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from confluent_kafka import Producer

from schemas.topics import COST, OUTCOMES, QUALITY, REQUESTS
from tests.sql.rig.log import on_log
from tests.unit.offline.replay.world import RecordedLog

Place = tuple[str, int, int]


def publish(kafka: str, log: RecordedLog, *, partitions: int = 2) -> dict[str, Place]:
    """Publish requests and all events; returns the position of each request by id.

    Positions and times of the events become those that the broker assigned to the requests.
    """
    producer = Producer({"bootstrap.servers": kafka, "acks": "all", "log_level": 0})
    places, times = _requests(producer, log, partitions)
    for topic, events in ((COST, log.calls), (QUALITY, log.signals), (OUTCOMES, log.outcomes)):
        moved = [_moved(event, log, places, times) for event in events]
        put(producer, topic, moved)
    producer.flush(30)
    return places


def _requests(
    producer: Producer, log: RecordedLog, partitions: int
) -> tuple[dict[str, Place], dict[str, int]]:
    places: dict[str, Place] = {}
    times: dict[str, int] = {}

    def on_stored(request_id: str) -> Any:
        def take(error: Any, message: Any) -> None:
            assert error is None, error
            places[request_id] = (REQUESTS, message.partition(), message.offset())
            times[request_id] = message.timestamp()[1]

        return take

    for offset, document in sorted(log.requests.items()):
        producer.produce(
            REQUESTS,
            orjson.dumps(document),
            partition=offset % partitions,
            on_delivery=on_stored(document["request_id"]),
        )
    producer.flush(30)
    return places, times


def _moved(
    event: dict[str, Any], log: RecordedLog, places: dict[str, Place], times: dict[str, int]
) -> dict[str, Any]:
    request_id = event["request_id"]
    later = times[request_id] + 1 - log.asked_at[request_id]
    moved = {
        **event,
        **{name: event[name] + later for name in ("at", "started_at") if event.get(name)},
    }
    if "source" in event:
        topic, partition, offset = places[request_id]
        moved["source"] = {
            "topic": topic, "partition": partition, "offset": offset,
            "timestamp": times[request_id],
        }  # fmt: skip
    return moved


def put(producer: Producer, topic: str, events: Sequence[dict[str, Any]]) -> None:
    """Publish events with the keys and headers that workers give them."""
    for record in on_log(topic, list(events)):
        headers: list[tuple[str, str | bytes | None]] = [
            (name, value) for name, value in record.headers
        ]
        producer.produce(topic, record.value, record.key, headers=headers)
        producer.poll(0)


def golden(calls: Iterable[dict[str, Any]], score: Any) -> list[dict[str, Any]]:
    """Golden signals about these calls; `score` is computed from the call."""
    return [
        {
            "tenant": call["tenant"], "request_id": call["request_id"], "hop": call["hop"],
            "visit": call["visit"], "call_id": call["call_id"], "at": call["at"] + 1,
            "signal": "golden", "name": "truth", "score": score(call), "passed": None,
            "label": None, "comment": None, "detail": None, "tier": call["tier"],
            "provider": call["provider"], "request_model": call["request_model"],
            "worker": "golden", "user_id": None, "user_tier": None, "feature": None,
            "registry_version": None, "experiment": None, "arm": None,
        }
        for call in calls
    ]  # fmt: skip
