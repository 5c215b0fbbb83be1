"""Watches of a worker on the broker: its topics, and records removed unread."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import faust
from faust.types import TP

from schemas.topics import EVENT_TOPICS, FEEDBACK, WAIT_DELAYS_S, wait_topic
from streams.flow.gap_watch import GapWatch
from streams.flow.log_gaps import LogGap, Partition
from streams.membership.topology_watch import TopologyWatch
from streams.worker.container import WorkerContainer
from streams.worker.settings import WorkerSettings


def topology_watch(
    app: faust.App,
    parts: WorkerContainer,
    settings: WorkerSettings,
    topics: Callable[[], Collection[str]],
) -> TopologyWatch:
    """Return the watch of the topics that a worker reads; it uses the app's consumer."""

    def group() -> Any:
        consumer: Any = app.consumer
        return consumer.thread

    return TopologyWatch(
        group,
        topics=topics,
        request_topics=tuple(settings.bound_tenants),
        callers_topics=settings.callers_topics,
        work_topics=(*parts.work_topics, *map(wait_topic, WAIT_DELAYS_S), *EVENT_TOPICS),
        topic_id=parts.attempts.topic_id,
        owned=parts.assignment.owned,
        elapsed_s=time.monotonic,
    )


def gap_watch(app: faust.App, parts: WorkerContainer, settings: WorkerSettings) -> GapWatch:
    """Return the watch for gaps in callers' topics, by the first offsets of the partitions."""
    topics = (*settings.bound_tenants, FEEDBACK)

    def owned() -> list[Partition]:
        return [(topic, number) for topic in topics for number in parts.assignment.owned(topic)]

    async def beginnings(places: Collection[Partition]) -> Mapping[Partition, int]:
        consumer: Any = app.consumer
        found = await consumer.earliest_offsets(*(TP(*place) for place in places))
        return {(place.topic, place.partition): offset for place, offset in found.items()}

    async def pass_over(gap: LogGap) -> None:
        consumer: Any = app.consumer
        await consumer.thread.pass_over((gap.topic, gap.partition), gap.first, gap.last + 1)

    return GapWatch(
        parts.gaps,
        parts.alerts,
        owned=owned,
        beginnings=beginnings,
        counted=parts.metrics.removed_unread,
        pass_over=pass_over,
    )
