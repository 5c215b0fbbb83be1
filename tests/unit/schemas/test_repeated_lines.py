"""A library that logs each of its attempts is shown once in a while."""

from __future__ import annotations

import logging

from schemas.repeated_lines import EVERY_S, RepeatedLines


class _Log:
    """What a log with this filter shows."""

    def __init__(self) -> None:
        self.filter = RepeatedLines(("aiokafka",))

    def line(
        self, at: float, *, name: str = "aiokafka.client", text: str = "no node %s", node: int = 1
    ) -> str:
        record = logging.LogRecord(name, logging.ERROR, "f.py", 1, text, (node,), None)
        record.created = at
        return record.getMessage() if self.filter.filter(record) else ""


def test_the_first_line_is_shown_and_repeats_are_counted() -> None:
    log = _Log()
    assert log.line(0.0) == "no node 1"
    assert [log.line(0.1 * number, node=number) for number in range(1, 6)] == [""] * 5
    assert log.line(EVERY_S, node=7) == "no node 7 (5 more like this were not shown)"
    assert log.line(EVERY_S + 1.0) == ""
    assert log.line(3 * EVERY_S) == "no node 1 (1 more like this were not shown)"


def test_kinds_are_counted_apart() -> None:
    log = _Log()
    assert log.line(0.0)
    assert log.line(0.0, text="cannot fetch %s")
    assert log.line(0.0, name="aiokafka.producer")
    assert not log.line(0.0)


def test_our_own_lines_are_all_shown() -> None:
    log = _Log()
    assert all(
        log.line(0.0, name=name) for name in ("streams.worker", "aiokafkas") for _ in range(3)
    )


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    log = _Log()
    assert log.line(1_000.0)
    assert log.line(10.0)


def test_many_kinds_do_not_fill_memory() -> None:
    log = _Log()
    assert all(log.line(0.0, text=f"{number} %s") for number in range(2_000))
    assert len(log.filter._shown) <= 256
