"""Readings of a running worker from its parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from schemas.topics import tier_of_topic
from streams.agents.context.dependencies import Dependencies
from streams.flow.dispatcher import PartitionAssignment, TopicDispatcher
from streams.observability.consumer_lag import Partition
from streams.observability.readings import (
    CLOSED,
    HALF_OPEN,
    OPEN,
    InstanceReading,
    Readings,
    SlotsReading,
)
from streams.providers.reliability.circuit_breaker import State

_STATES = {State.CLOSED: CLOSED, State.HALF_OPEN: HALF_OPEN, State.OPEN: OPEN}


def readings_of(
    deps: Dependencies,
    intakes: Mapping[str, TopicDispatcher],
    assignment: PartitionAssignment,
    lag: Callable[[], Mapping[Partition, int]],
    *,
    evaluates_alerts: Callable[[], bool] = lambda: False,
) -> Readings:
    """Return the readings of a worker with these parts."""
    return Readings(
        slots=lambda: _slots(intakes),
        instances=lambda: _instances(deps),
        retries_left=lambda: deps.calls.retries.left,
        shadow_allowance=lambda: deps.shadow_spend.level,
        registry_version=lambda: deps.registry.version,
        partitions=lambda: {topic: len(assignment.owned(topic)) for topic in intakes},
        lag=lag,
        evaluates_alerts=evaluates_alerts,
    )


def _slots(intakes: Mapping[str, TopicDispatcher]) -> dict[str, SlotsReading]:
    """Return pools by name; topics that share a tier's slots are one."""
    in_flight: Counter[str] = Counter()
    pools = {}
    for topic, intake in intakes.items():
        pool = pool_of(topic)
        in_flight[pool] += intake.in_flight
        pools[pool] = intake.slots
    return {
        pool: SlotsReading(used=slots.used, limit=slots.limit, in_flight=in_flight[pool])
        for pool, slots in pools.items()
    }


def pool_of(topic: str) -> str:
    """Return the name of a topic's pool: its tier, else the topic."""
    return tier_of_topic(topic) or topic


def _instances(deps: Dependencies) -> Iterator[InstanceReading]:
    now = deps.kafka.clock.elapsed_ms()
    if deps.registry.version is None:
        return
    for model in deps.registry.snapshot.models.values():
        for instance in model.instances:
            levels = deps.calls.instances.levels(model, instance, now)
            yield InstanceReading(
                model=model.name,
                instance=instance.name,
                breaker=_STATES[deps.calls.instances.state(model, instance, now)],
                in_flight=levels.in_flight,
                requests_level=levels.requests,
                tokens_level=levels.tokens,
            )
