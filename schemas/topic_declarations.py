"""Declarations of all topics: key, value, retention and maximum record size.

Invariants: all topics use the broker's append time. Tier, wait and event topics share one partition
count and one partitioner (murmur2 over the identity key), so that a request's work and its journal
have the same partition number. The registry has one partition, so that its records have a total
order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from schemas.records import DAY_MS
from schemas.topics import (
    ALERTS,
    BUDGETS,
    COST,
    DEFAULT_TIERS,
    FEEDBACK,
    GATEWAY_REPLIES,
    GATEWAY_REQUESTS,
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

GATEWAYS = "gateways"


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
    """Declaration of one topic; the defaults are those of a topic between workers.

    `retention_ms` is `None` for compacted topics; `value` is the Avro schema of the value, `json`
    or `bytes`.
    """

    name: str
    about: str
    value: str
    width: PartitioningClass = PartitioningClass.PIPELINE
    key: str = "tenant/request id"
    retention_ms: int | None = 7 * DAY_MS
    max_message_bytes: int = MIB
    writers: str = "workers"
    readers: str = "workers"

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


def reply_topic(name: str, about: str = "replies to the requests that name it") -> Topic:
    """Return the declaration of a caller's reply topic, equal to the default one."""
    return Topic(
        name=name,
        about=about,
        value="Reply",
        width=PartitioningClass.REQUESTS,
        key="that of the request",
        retention_ms=DAY_MS,
        max_message_bytes=8 * MIB,
        readers="callers",
    )


def _request_topic(name: str, replay_days: int) -> Topic:
    return Topic(
        name=name,
        about=_ABOUT.get(name, "requests as callers publish them"),
        value="Request",
        width=PartitioningClass.REQUESTS,
        key="chosen by the caller; default: request id",
        retention_ms=replay_days * DAY_MS,
        max_message_bytes=8 * MIB,
        writers=GATEWAYS if name == GATEWAY_REQUESTS else CALLERS,
        readers="workers, replay",
    )


_ABOUT = {GATEWAY_REQUESTS: "requests that HTTP gateways accepted"}


def _work_topic(name: str, about: str) -> Topic:
    return Topic(name=name, about=about, value="TierMessage", max_message_bytes=16 * MIB)


_FIXED = (
    reply_topic(REPLIES, "replies to requests without a reply topic"),
    replace(
        reply_topic(
            GATEWAY_REPLIES,
            "replies to HTTP gateways, parts of streamed answers, responses accepted",
        ),
        writers=f"workers, {GATEWAYS}",
        readers=GATEWAYS,
    ),
    Topic(
        name=COST,
        about="one record per real provider call",
        value="CostEvent",
        readers="sink, workers",
    ),
    Topic(
        name=QUALITY, about="one record per quality signal", value="QualityEvent", readers="sink"
    ),
    Topic(
        name=OUTCOMES,
        about="the journal: events of each hop",
        value="OutcomeEvent",
        max_message_bytes=8 * MIB,
        readers="sink, workers",
    ),
    Topic(
        name=FEEDBACK,
        about="feedback on answers",
        value="Feedback",
        width=PartitioningClass.REQUESTS,
        key="request id",
        writers=CALLERS,
    ),
    Topic(
        name=REGISTRY,
        about="registry versions, trained classifiers, the pointer",
        value="json",
        width=PartitioningClass.SINGLE,
        key="registry/<hash>, artifact/<hash>, current",
        retention_ms=None,
        max_message_bytes=16 * MIB,
        writers="operators",
        readers="workers, sink",
    ),
    Topic(
        name=BUDGETS,
        about="spend so far, and the offset up to which it counts",
        value="BudgetEntry",
        key="budget, subject, window, partition",
        retention_ms=None,
    ),
    Topic(
        name=ALERTS,
        about="alerts fired and resolved",
        value="Alert",
        width=PartitioningClass.SINGLE,
        key="rule",
        writers="workers, sink",
        readers="operators",
    ),
    Topic(
        name=WORKERS,
        about="registry version and capabilities of each worker",
        value="json",
        width=PartitioningClass.SINGLE,
        key="worker",
        retention_ms=DAY_MS,
        readers="operators",
    ),
    Topic(
        name=REPLAY_DECISIONS,
        about="decisions of replays, by run",
        value="ReplayDecision",
        key="request id",
        writers="replay",
        readers="sink",
    ),
)
"""The topics whose number depends on no setting."""


def declared_topics(
    tiers: Sequence[str] = DEFAULT_TIERS,
    *,
    request_topics: Sequence[str] = (REQUESTS, GATEWAY_REQUESTS),
    replay_days: int = 7,
) -> tuple[Topic, ...]:
    """Return all topics for these tiers, dead-letter topics included, each name once."""
    topics = [_request_topic(name, replay_days) for name in request_topics]
    for tier in tiers:
        topics.append(_work_topic(tier_topic(tier), f"work for tier {tier}"))
        topics.append(_work_topic(tier_topic(tier, high=True), f"work for tier {tier}, priority"))
    topics += [
        _work_topic(wait_topic(delay), f"work that waits {delay} s for capacity")
        for delay in WAIT_DELAYS_S
    ]
    topics += _FIXED
    dead = [
        Topic(
            name=dead_letter_topic(topic.name),
            about=f"unreadable or undeliverable records of {topic.name}",
            value="bytes",
            width=topic.width,
            key="untouched",
            retention_ms=topic.retention_ms,
            max_message_bytes=topic.max_message_bytes + MIB,
            writers=_dead_letter_writers(topic),
            readers="operators, sink",
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
    return "workers" if topic.writers in {CALLERS, GATEWAYS} else topic.writers


_DEAD_LETTERED = frozenset({REPLIES, COST, QUALITY, OUTCOMES, FEEDBACK, REPLAY_DECISIONS})
