"""A library that logs each of its attempts is shown once in a while."""

from __future__ import annotations

import logging
from itertools import product

from core.repeated_log_lines import EVERY_S, RepeatedLines


class _Log:
    """What a log with this filter shows."""

    def __init__(self) -> None:
        self.filter = RepeatedLines(("aiokafka",))

    def line(
        self,
        at: float,
        *,
        name: str = "aiokafka.client",
        text: str = "no node %s",
        node: object = 1,
        level: int = logging.ERROR,
        error: Exception | None = None,
    ) -> str:
        cause = None if error is None else (type(error), error, None)
        record = logging.LogRecord(name, level, "f.py", 1, text, (node,), cause)
        record.created = at
        return record.getMessage() if self.filter.filter(record) else ""


def test_the_first_line_is_shown_and_repeats_are_counted() -> None:
    log = _Log()
    assert log.line(0.0) == "no node 1"
    assert [log.line(0.1 * number, node=number) for number in range(1, 6)] == [""] * 5
    assert log.line(EVERY_S, node=7) == "no node 7 (5 similar lines suppressed)"
    assert log.line(EVERY_S + 1.0) == ""
    assert log.line(3 * EVERY_S) == "no node 1 (1 similar lines suppressed)"


def test_kinds_are_counted_apart() -> None:
    log = _Log()
    assert log.line(0.0)
    assert log.line(0.0, text="cannot fetch %s")
    assert log.line(0.0, name="aiokafka.producer")
    assert not log.line(0.0)


def test_another_cause_with_the_same_text_is_shown() -> None:
    log = _Log()
    assert log.line(0.0, text="%s is not authorized", node="requests")
    assert log.line(0.0, text="%s is not authorized", node="replies")
    assert log.line(0.0, text="unexpected error %s", error=ValueError())
    assert log.line(0.0, text="unexpected error %s", error=KeyError())
    assert not log.line(0.0, text="unexpected error %s", error=KeyError())


def test_critical_lines_are_always_shown() -> None:
    log = _Log()
    assert all(log.line(0.0, level=logging.CRITICAL) for _ in range(3))


def test_a_line_that_can_not_be_written_is_left_to_the_handler() -> None:
    log = RepeatedLines(("aiokafka",))
    for at in (0.0, 1.0, EVERY_S):
        record = logging.LogRecord("aiokafka", logging.ERROR, "f.py", 1, "%s %s", (1,), None)
        record.created = at
        assert log.filter(record)


def test_our_own_lines_are_all_shown() -> None:
    log = _Log()
    assert all(
        log.line(0.0, name=name)
        for name in ("streams.worker.process", "aiokafkas")
        for _ in range(3)
    )


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    log = _Log()
    assert log.line(1_000.0)
    assert log.line(10.0)


def test_many_kinds_do_not_fill_memory() -> None:
    log = _Log()
    names = ("".join(letters) for letters in product("abcdefghijk", repeat=3))
    assert all(log.line(0.0, text=f"{name} %s") for name in names)
    assert len(log.filter._shown) <= 256
