"""An unreadable record is counted, raised as one alert a topic, and ends no worker."""

from __future__ import annotations

import asyncio
import logging

import pytest

from schemas.alert_names import AlertName
from schemas.errors import DeliveryError, UndecodableError
from streams.bad_input.bad_records import LOG_AT_MOST, BadRecords


class _Alerts:
    def __init__(self, *, broken: bool = False) -> None:
        self.fired: list[tuple[AlertName, str, str]] = []
        self.broken = broken

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        if self.broken:
            raise DeliveryError("the broker is away")
        self.fired.append((rule, subject, message))


def test_every_record_is_counted_and_the_latest_of_a_topic_is_alerted_with_its_place() -> None:
    alerts, counted = _Alerts(), []
    bad = BadRecords(alerts, counted.append)

    bad.note("a", 0, 7, UndecodableError("not Avro"))
    bad.note("a", 3, 9, ValueError("the prompt itself"))
    bad.note("b", 1, 2, "a sum is negative")
    asyncio.run(bad.raise_alerts())

    assert counted == ["a", "a", "b"]
    assert [(rule, subject) for rule, subject, _ in alerts.fired] == [
        (AlertName.BAD_RECORD, "a"),
        (AlertName.BAD_RECORD, "b"),
    ]
    assert "a:3:9" in alerts.fired[0][2]
    assert "the prompt itself" not in alerts.fired[0][2]


def test_no_alert_is_raised_twice() -> None:
    alerts = _Alerts()
    bad = BadRecords(alerts)
    bad.note("a", 0, 7, "null")
    asyncio.run(bad.raise_alerts())
    asyncio.run(bad.raise_alerts())

    assert len(alerts.fired) == 1


def test_an_alert_that_the_broker_refuses_does_not_end_the_worker() -> None:
    bad = BadRecords(_Alerts(broken=True))
    bad.note("a", 0, 7, "null")

    asyncio.run(bad.raise_alerts())


def test_a_flood_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    bad = BadRecords(_Alerts())
    with caplog.at_level(logging.WARNING):
        for offset in range(1_000):
            bad.note("a", 0, offset, "null")

    assert len(caplog.records) == LOG_AT_MOST
