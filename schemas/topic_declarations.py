"""Declarations of all topics: key, value, retention and maximum record size.

Invariants: all topics use the broker's append time. Tier, wait and event topics share one partition
count and one partitioner (murmur2 over the identity key), so that a request's work and its journal
have the same partition number. The registry has one partition, so that its records have a total
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.topics import (
    ALERTS,
    BUDGETS,
    COST,
    DAY_MS,
    DEFAULT_TIERS,
    FEEDBACK,
    MIB,
    OUTCOMES,
    QUALITY,
    REGISTRY,
    REPLAY_DECISIONS,
    REPLIES,
    REQUESTS,
    WAIT_DELAYS_S,
    WORKERS,
    dead_letter_topic,
    tier_topic,
    wait_topic,
)

CALLERS = "callers"
"""Writers outside of Sluice."""


class PartitioningClass(StrEnum):
    """Source of a topic's partition count."""

    REQUESTS = "requests"
    """Set by the operator; callers use their own keys."""
    PIPELINE = "pipeline"
    """One shared count for tier, wait and event topics."""
    SINGLE = "single"
    """One partition, for a total order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Declaration of one topic.

    `retention_ms` is `None` for compacted topics; `value` is the Avro schema of the value, `json`
    or `bytes`.
    """

    name: str
    width: PartitioningClass
    key: str
    value: str
    retention_ms: int | None
    max_message_bytes: int
    writers: str
    readers: str
    about: str

    @property
    def config(self) -> dict[str, str]:
        """Return the broker's settings for this topic."""
        settings = {
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.writers == CALLERS:
            # Brokers measure `max.message.bytes` after compression, and 8 MiB of zstd can be
            # gigabytes. With uncompressed storage the broker measures the decompressed size.
            settings["compression.type"] = "uncompressed"
        if self.retention_ms is None:
            return settings | {"cleanup.policy": "compact"}
        return settings | {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


def reply_topic(name: str) -> Topic:
    """Return the declaration of a caller's reply topic, equal to the default one."""
    return Topic(
        name=name,
        width=PartitioningClass.REQUESTS,
        key="that of the request",
        value="Reply",
        retention_ms=DAY_MS,
        max_message_bytes=8 * MIB,
        writers="workers",
        readers="callers",
        about="replies to the requests that name it",
    )


def declared_topics(
    tiers: Sequence[str] = DEFAULT_TIERS,
    *,
    request_topics: Sequence[str] = (REQUESTS,),
    replay_days: int = 7,
) -> tuple[Topic, ...]:
    """Return all topics for these tiers, dead-letter topics included, each name once."""
    week = 7 * DAY_MS
    window = replay_days * DAY_MS
    small, request, work = 1 * MIB, 8 * MIB, 16 * MIB
    topics = [
        *(
            Topic(
                name=name,
                width=PartitioningClass.REQUESTS,
                key="chosen by the caller; default: request id",
                value="Request",
                retention_ms=window,
                max_message_bytes=request,
                writers=CALLERS,
                readers="workers, replay",
                about="requests as callers publish them",
            )
            for name in request_topics
        ),
        *(
            Topic(
                name=tier_topic(tier, high=high),
                width=PartitioningClass.PIPELINE,
                key="tenant/request id",
                value="TierMessage",
                retention_ms=week,
                max_message_bytes=work,
                writers="workers",
                readers="workers",
                about=f"work for tier {tier}" + (", priority" if high else ""),
            )
            for tier in tiers
            for high in (False, True)
        ),
        *(
            Topic(
                name=wait_topic(delay),
                width=PartitioningClass.PIPELINE,
                key="tenant/request id",
                value="TierMessage",
                retention_ms=week,
                max_message_bytes=work,
                writers="workers",
                readers="workers",
                about=f"work that waits {delay} s for capacity",
            )
            for delay in WAIT_DELAYS_S
        ),
        Topic(
            name=REPLIES,
            width=PartitioningClass.REQUESTS,
            key="that of the request",
            value="Reply",
            retention_ms=DAY_MS,
            max_message_bytes=request,
            writers="workers",
            readers="callers",
            about="replies to requests without a reply topic",
        ),
        Topic(
            name=COST,
            width=PartitioningClass.PIPELINE,
            key="tenant/request id",
            value="CostEvent",
            retention_ms=week,
            max_message_bytes=small,
            writers="workers",
            readers="sink, workers",
            about="one record per real provider call",
        ),
        Topic(
            name=QUALITY,
            width=PartitioningClass.PIPELINE,
            key="tenant/request id",
            value="QualityEvent",
            retention_ms=week,
            max_message_bytes=small,
            writers="workers",
            readers="sink",
            about="one record per quality signal",
        ),
        Topic(
            name=OUTCOMES,
            width=PartitioningClass.PIPELINE,
            key="tenant/request id",
            value="OutcomeEvent",
            retention_ms=week,
            max_message_bytes=request,
            writers="workers",
            readers="sink, workers",
            about="the journal: events of each hop",
        ),
        Topic(
            name=FEEDBACK,
            width=PartitioningClass.REQUESTS,
            key="request id",
            value="Feedback",
            retention_ms=week,
            max_message_bytes=small,
            writers=CALLERS,
            readers="workers",
            about="feedback on answers",
        ),
        Topic(
            name=REGISTRY,
            width=PartitioningClass.SINGLE,
            key="registry/<hash>, artifact/<hash>, current",
            value="json",
            retention_ms=None,
            max_message_bytes=work,
            writers="operators",
            readers="workers, sink",
            about="registry versions, trained classifiers, the pointer",
        ),
        Topic(
            name=BUDGETS,
            width=PartitioningClass.PIPELINE,
            key="budget, subject, window, partition",
            value="BudgetEntry",
            retention_ms=None,
            max_message_bytes=small,
            writers="workers",
            readers="workers",
            about="spend so far, and the offset up to which it counts",
        ),
        Topic(
            name=ALERTS,
            width=PartitioningClass.SINGLE,
            key="rule",
            value="Alert",
            retention_ms=week,
            max_message_bytes=small,
            writers="workers, sink",
            readers="operators",
            about="alerts fired and resolved",
        ),
        Topic(
            name=WORKERS,
            width=PartitioningClass.SINGLE,
            key="worker",
            value="json",
            retention_ms=DAY_MS,
            max_message_bytes=small,
            writers="workers",
            readers="operators",
            about="registry version and capabilities of each worker",
        ),
        Topic(
            name=REPLAY_DECISIONS,
            width=PartitioningClass.PIPELINE,
            key="request id",
            value="ReplayDecision",
            retention_ms=week,
            max_message_bytes=small,
            writers="replay",
            readers="sink",
            about="decisions of replays, by run",
        ),
    ]
    dead = [
        Topic(
            name=dead_letter_topic(topic.name),
            width=topic.width,
            key="untouched",
            value="bytes",
            retention_ms=topic.retention_ms or week,
            max_message_bytes=topic.max_message_bytes + MIB,
            writers=_dead_letter_writers(topic),
            readers="operators, sink",
            about=f"unreadable or undeliverable records of {topic.name}",
        )
        for topic in topics
        if topic.name in _DEAD_LETTERED or topic.value in {"Request", "TierMessage"}
    ]
    return (*topics, *dead)


_SET_ASIDE_BY_SINK = frozenset({COST, QUALITY, OUTCOMES, REPLAY_DECISIONS})
"""Event topics: the sink reads every record and sends unreadable ones to the dead-letter topic."""


def _dead_letter_writers(topic: Topic) -> str:
    if topic.name in _SET_ASIDE_BY_SINK:
        return "sink"
    return topic.writers if topic.writers != CALLERS else "workers"


_DEAD_LETTERED = frozenset({REPLIES, COST, QUALITY, OUTCOMES, FEEDBACK, REPLAY_DECISIONS})
