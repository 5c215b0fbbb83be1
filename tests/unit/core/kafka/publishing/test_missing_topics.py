"""Records wait for a topic that does not exist, and it is named once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from core.kafka.publishing.missing_topics import AWAY_S, LOOK_EVERY_S, MissingTopics
from schemas.errors import DeliveryError

TOPIC = "llm.tier.simple.v1"


@dataclass
class Broker:
    """An aiokafka client: `known` are partitions by topic; after `looks_left` requests for metadata
    it knows `later`. Each request takes a second.
    """

    known: dict[str, set[int]] = field(default_factory=dict)
    later: dict[str, set[int]] = field(default_factory=dict)
    looks_left: int = 1_000
    is_away: bool = False
    forbidden: frozenset[str] = frozenset()
    now_ms: float = 0.0
    requests: int = 0

    @property
    def cluster(self) -> SimpleNamespace:
        return SimpleNamespace(_partitions=self.known, unauthorized_topics=self.forbidden)

    def add_topic(self, topic: str) -> None: ...

    async def force_metadata_update(self) -> bool:
        await asyncio.sleep(0)
        self.requests += 1
        self.now_ms += 1_000
        self.looks_left -= 1
        if self.looks_left <= 0:
            self.known = self.later
        return not self.is_away


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def _topics(broker: Broker, **settings: tuple[str, ...]) -> MissingTopics:
    return MissingTopics(lambda: broker.now_ms, _no_sleep, **settings)


def test_records_wait_for_a_missing_topic_which_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = Broker(later={TOPIC: {0, 1}}, looks_left=600)
    topics = _topics(broker)
    faults: set[str | None] = set()

    async def scenario() -> None:
        waiting = [asyncio.create_task(topics.awaited(broker, TOPIC, None)) for _ in range(50)]
        while not all(each.done() for each in waiting):
            faults.add(topics.fault)
            await asyncio.sleep(0)
        for each in waiting:
            each.result()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert broker.requests == 600, "the records share one look"
    assert faults == {
        None, f"the topic {TOPIC} does not exist; create it: sluice topics create"
    }  # fmt: skip
    assert topics.fault is None
    errors = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert len(errors) == 1
    assert TOPIC in errors[0].getMessage()


def test_the_first_record_for_a_topic_is_hardly_delayed_by_metadata_that_was_requested_before() -> (
    None
):
    broker = Broker(later={TOPIC: {0}}, looks_left=3)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    topics = MissingTopics(lambda: broker.now_ms, pause)
    asyncio.run(topics.awaited(broker, TOPIC, None))
    assert len(pauses) == 2
    assert sum(pauses) < 0.1


def test_pauses_grow_to_a_bound_while_a_topic_is_missing() -> None:
    broker = Broker(later={TOPIC: {0}}, looks_left=30)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    topics = MissingTopics(lambda: broker.now_ms, pause)
    asyncio.run(topics.awaited(broker, TOPIC, None))
    assert pauses == sorted(pauses)
    assert pauses[-1] == LOOK_EVERY_S


def test_records_wait_for_a_missing_partition() -> None:
    broker = Broker(known={TOPIC: {0, 1}}, later={TOPIC: {0, 1, 2, 3}}, looks_left=60)
    topics = _topics(broker)
    faults: set[str | None] = set()

    async def scenario() -> None:
        await topics.awaited(broker, TOPIC, 1)
        waiting = asyncio.create_task(topics.awaited(broker, TOPIC, 3))
        while not waiting.done():
            faults.add(topics.fault)
            await asyncio.sleep(0)
        waiting.result()

    asyncio.run(scenario())
    assert any(fault and "has no partition 3, only 2 partitions" in fault for fault in faults)
    assert topics.fault is None


def test_a_topic_that_may_not_hold_up_others_is_an_error_soon() -> None:
    broker = Broker()
    with pytest.raises(DeliveryError, match=r"llm\.alerts\.v1 does not exist"):
        asyncio.run(_topics(broker, never_awaited=("llm.alerts.v1",)).awaited(
            broker, "llm.alerts.v1", 0
        ))  # fmt: skip
    assert broker.requests < 10


def test_a_broker_that_does_not_answer_is_an_error_and_no_missing_topic(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = Broker(is_away=True)
    with caplog.at_level(logging.WARNING), pytest.raises(DeliveryError, match="no broker answers"):
        asyncio.run(_topics(broker).awaited(broker, TOPIC, None))
    assert broker.now_ms > AWAY_S * 1000
    assert not caplog.records


def test_a_forbidden_topic_is_left_to_the_producer() -> None:
    broker = Broker(forbidden=frozenset({TOPIC}))
    asyncio.run(_topics(broker).awaited(broker, TOPIC, None))
    assert broker.requests == 1


def test_closing_cancels_what_waits() -> None:
    broker = Broker()
    topics = _topics(broker)

    async def scenario() -> None:
        waiting = asyncio.create_task(topics.awaited(broker, TOPIC, None))
        await asyncio.sleep(0)
        await topics.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())
