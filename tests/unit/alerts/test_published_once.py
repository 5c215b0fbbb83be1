"""A worker publishes a lasting alert seldom, and a changed message soon."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from core.clock import StillClock
from core.kafka.producer import Delivered, Outgoing
from schemas.alert_names import AlertName
from schemas.encoding.codec import Codec
from schemas.errors import DeliveryError
from schemas.topics import ALERTS
from streams.alerts.worker_alerts import CHANGED_MS, REPEAT_MS, AlertPublisher
from streams.journal.in_memory_log import MemoryLog

T0 = 1_700_000_000_000


def _messages(*raised: tuple[int, str]) -> list[str]:
    """What is published of one alert that is raised at these times (ms after T0)."""
    clock = StillClock(T0)
    log, codec = MemoryLog(clock), Codec("Alert")
    alerts = AlertPublisher(log, codec, clock, "w1")

    async def run() -> list[str]:
        for after_ms, message in raised:
            clock.advance(T0 + after_ms - clock.now())
            await alerts.fire(AlertName.PROVIDER_AUTH, "m/i", message)
        return [codec.decode(value)["message"] for value in log.values(ALERTS)]

    return asyncio.run(run())


def test_the_same_message_is_published_once_until_it_is_due_again() -> None:
    assert _messages((0, "a"), (REPEAT_MS - 1, "a")) == ["a"]
    assert _messages((0, "a"), (REPEAT_MS, "a")) == ["a", "a"]


def test_another_cause_is_published_within_a_minute() -> None:
    assert _messages((0, "a"), (CHANGED_MS - 1, "b")) == ["a"]
    assert _messages((0, "a"), (CHANGED_MS, "b")) == ["a", "b"]


class RefusingLog(MemoryLog):
    """A log that refuses its first record."""

    refused = 0

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        if not self.refused:
            self.refused += 1
            raise DeliveryError("the topic does not exist")
        return await super().publish(record)


def test_an_alert_that_the_broker_refuses_fails_no_request_and_is_published_soon_after() -> None:
    clock = StillClock(T0)
    log = RefusingLog(clock)
    alerts = AlertPublisher(log, Codec("Alert"), clock, "w1")

    async def run() -> list[int]:
        published = []
        for wait_ms in (0, CHANGED_MS - 1, 1, CHANGED_MS):
            clock.advance(wait_ms)
            await alerts.fire(AlertName.PROVIDER_AUTH, "m/i", "a")
            published.append(len(log.values(ALERTS)))
        return published

    assert asyncio.run(run()) == [0, 0, 1, 1]
    assert log.refused == 1
