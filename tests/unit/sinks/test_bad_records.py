"""A record that the sink can't store is dead-lettered unchanged where dead letters are declared."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import (
    KafkaConnectionError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from schemas.bad_records import BadRecord
from schemas.events import Alert
from schemas.topics import ALERTS, COST, MIB, OUTCOMES
from sinks.ingest.bad_records import (
    MOST_WAITING,
    MOST_WAITING_BYTES,
    BadRecordReports,
    Letter,
    Outlet,
)
from tests.sql.rig.log import Record
from tests.unit.sinks.world import FixedClock


@dataclass
class _Log:
    letters: list[Letter] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    fault: Exception | None = None

    async def send(self, letter: Letter) -> None:
        if self.fault is not None:
            raise self.fault
        self.letters.append(letter)

    async def publish(self, alert: Alert) -> None:
        self.alerts.append(alert)

    def publish_all(self, bad: BadRecordReports) -> None:
        asyncio.run(bad.publish(Outlet(send=self.send, publish=self.publish)))


def _bad(topic: str = COST, offset: int = 5, reason: str = "not Avro") -> BadRecord:
    return BadRecord(topic=topic, partition=2, offset=offset, reason=reason)


RECORD = Record(offset=5, key=b"k", value=b"\xff", headers=(("a", b"1"), ("b", None)))  # type: ignore[arg-type]


def test_a_dead_letter_keeps_bytes_key_and_headers_and_an_alert_names_the_position() -> None:
    log, counted = _Log(), []
    bad = BadRecordReports(FixedClock(), "sink-1", counted.append)

    bad.note(_bad(), RECORD)
    log.publish_all(bad)

    (letter,) = log.letters
    assert (letter.topic, letter.key, letter.value) == (f"{COST}.dlq", b"k", b"\xff")
    assert letter.headers[:2] == [("a", b"1"), ("b", b"")]
    assert dict(letter.headers)["dlq-source"] == b"llm.events.cost.v1:2:5"
    assert [(alert.rule, alert.subject) for alert in log.alerts] == [("bad_record", COST)]
    assert "llm.events.cost.v1:2:5" in log.alerts[0].message
    assert counted == [COST]


def test_a_topic_without_dead_letters_has_only_the_alert() -> None:
    log, bad = _Log(), BadRecordReports(FixedClock(), "sink-1")
    bad.note(_bad(ALERTS), RECORD)
    log.publish_all(bad)

    assert log.letters == []
    assert [alert.subject for alert in log.alerts] == [ALERTS]


def test_a_flood_is_one_alert_in_ten_minutes_and_a_bounded_number_of_letters() -> None:
    log, clock = _Log(), FixedClock()
    bad = BadRecordReports(clock, "sink-1")
    for offset in range(MOST_WAITING + 100):
        bad.note(_bad(offset=offset), RECORD)
    log.publish_all(bad)
    bad.note(_bad(), RECORD)
    log.publish_all(bad)

    assert len(log.letters) == MOST_WAITING + 1
    assert len(log.alerts) == 1
    clock.ms += 601_000
    bad.note(_bad(), RECORD)
    log.publish_all(bad)
    assert len(log.alerts) == 2


def test_waiting_dead_letters_are_bounded_in_bytes() -> None:
    log, bad = _Log(), BadRecordReports(FixedClock(), "sink-1")
    large = Record(offset=1, value=b"x" * MIB)
    for offset in range(100):
        bad.note(_bad(OUTCOMES, offset), large)
    log.publish_all(bad)

    assert len(log.letters) == MOST_WAITING_BYTES // MIB


def test_a_dead_letter_waits_for_an_unavailable_broker() -> None:
    log, bad = _Log(fault=KafkaConnectionError()), BadRecordReports(FixedClock(), "sink-1")
    bad.note(_bad(), RECORD)
    with pytest.raises(KafkaConnectionError):
        log.publish_all(bad)
    log.fault = None
    log.publish_all(bad)

    assert len(log.letters) == 1


@pytest.mark.parametrize("fault", [MessageSizeTooLargeError, TopicAuthorizationFailedError])
def test_a_rejected_dead_letter_blocks_no_other(fault: type[Exception]) -> None:
    log, bad = _Log(fault=fault()), BadRecordReports(FixedClock(), "sink-1")
    bad.note(_bad(), RECORD)
    log.publish_all(bad)
    log.fault = None
    bad.note(_bad(offset=6), RECORD)
    log.publish_all(bad)

    assert len(log.letters) == 1
