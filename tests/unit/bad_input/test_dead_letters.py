"""Unreadable records are dead-lettered unchanged; a worker that can read nothing stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from core.clock import StillClock
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Delivered, Outgoing, size_of
from schemas.alert_names import AlertName
from schemas.bad_records import LONGEST_REASON
from schemas.errors import RecordTooLargeError
from streams.bad_input.bad_input_pace import BadInputPace
from streams.bad_input.dead_letters import (
    CUT,
    KEPT_VALUE_BYTES,
    DeadLetterLimit,
    DeadLetterLimitError,
    DeadLetters,
)
from streams.journal.in_memory_log import MemoryLog

LIMIT = DeadLetterLimit(window=10, share=0.5)


def _bad(offset: int, value: bytes | None = b"\xff") -> Incoming:
    return Incoming(
        topic="in", partition=3, offset=offset, timestamp=0, key=b"k", value=value,
        headers=[("correlation-id", b"c1")],
    )  # fmt: skip


def _put(letters: DeadLetters, message: Incoming) -> None:
    async def scenario() -> None:
        await (await letters.put(message, "undecodable", "not JSON"))

    asyncio.run(scenario())


def test_bytes_key_and_headers_are_kept_and_the_cause_is_added() -> None:
    log = MemoryLog(StillClock())
    letters = DeadLetters(log, "w1", LIMIT)

    _put(letters, _bad(7))

    (stored,) = log.of("in.dlq")
    assert (stored.record.key, stored.record.value) == (b"k", b"\xff")
    headers = dict(stored.record.headers)
    assert headers["correlation-id"] == b"c1"
    assert headers["dlq-cause"] == b"undecodable"
    assert headers["dlq-source"] == b"in:3:7"


def test_a_null_value_stays_null() -> None:
    log = MemoryLog(StillClock())

    _put(DeadLetters(log, "w1", LIMIT), _bad(1, value=None))

    assert log.of("in.dlq")[0].record.value is None


def test_a_record_without_key_and_value_is_kept_as_an_empty_one() -> None:
    log = MemoryLog(StillClock())

    _put(DeadLetters(log, "w1", LIMIT), replace(_bad(7, value=None), key=None))

    (stored,) = log.of("in.dlq")
    assert (stored.record.key, stored.record.value) == (None, b"")


def test_one_bad_sender_among_good_ones_stops_no_worker() -> None:
    letters = DeadLetters(MemoryLog(StillClock()), "w1", LIMIT)
    for offset in range(40):
        letters.passed(_bad(0))
        letters.passed(_bad(0))
        _put(letters, _bad(offset))


def test_a_worker_that_can_read_nothing_stops_before_it_drains_the_topic() -> None:
    log = MemoryLog(StillClock())
    letters = DeadLetters(log, "w1", LIMIT)
    for offset in range(9):
        _put(letters, _bad(offset))

    with pytest.raises(DeadLetterLimitError, match="SLUICE_DEAD_LETTER_SHARE"):
        _put(letters, _bad(9))

    assert len(log.of("in.dlq")) == 9


class _Alerts:
    def __init__(self) -> None:
        self.fired: list[tuple[AlertName, str]] = []

    async def fire(self, rule: AlertName, subject: str, message: str) -> None:
        self.fired.append((rule, subject))


@pytest.mark.parametrize("topic", ["in", "other"])
def test_after_a_valid_message_a_flood_is_alerted_and_stops_no_worker(topic: str) -> None:
    log, alerts = MemoryLog(StillClock()), _Alerts()
    letters = DeadLetters(log, "w1", LIMIT, alerts=alerts)
    letters.passed(replace(_bad(0), topic=topic))
    for offset in range(2_000):
        _put(letters, _bad(offset))

    assert len(log.of("in.dlq")) == 2_000
    assert set(alerts.fired) == {(AlertName.UNREADABLE_INPUT, "in")}


def test_topics_are_counted_apart() -> None:
    alerts = _Alerts()
    letters = DeadLetters(MemoryLog(StillClock()), "w1", LIMIT, alerts=alerts)
    letters.passed(_bad(0))
    for offset in range(5):
        _put(letters, _bad(offset))
        _put(letters, replace(_bad(offset), topic="else"))

    assert alerts.fired == []


def test_each_dead_letter_counts_for_the_pace_of_its_partition() -> None:
    seen: list[tuple[str, int]] = []
    pace = BadInputPace(lambda: 0.0, lambda partition, _: seen.append(partition), burst=0)
    _put(DeadLetters(MemoryLog(StillClock()), "w1", LIMIT, pace=pace), _bad(1))

    assert seen == [("in", 3)]


class Narrow(MemoryLog):
    """A log whose topics accept at most a mebibyte."""

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        if size_of(record) > 1024 * 1024:
            raise RecordTooLargeError("too large")
        return await super().publish(record)


def test_a_dead_letter_too_large_for_its_topic_is_truncated_and_marked() -> None:
    log = Narrow(StillClock())
    value = b"\xff" * 20_000_000

    _put(DeadLetters(log, "w1", LIMIT), _bad(7, value=value))

    (stored,) = log.of("in.dlq")
    headers = dict(stored.record.headers)
    assert stored.record.value == value[:KEPT_VALUE_BYTES]
    assert headers["dlq-source"] == b"in:3:7"
    assert int(headers[CUT]) > len(value)


def test_a_reason_of_any_length_is_cut() -> None:
    log = Narrow(StillClock())

    async def scenario() -> None:
        letters = DeadLetters(log, "w1", LIMIT)
        await (await letters.put(_bad(1), "undecodable", "n" * 2_000_000))

    asyncio.run(scenario())

    (stored,) = log.of("in.dlq")
    assert dict(stored.record.headers)["dlq-reason"] == b"n" * LONGEST_REASON
    assert stored.record.value == b"\xff"
