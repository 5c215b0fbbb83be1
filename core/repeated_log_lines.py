"""Rate limit for repeated log lines of libraries, with the number of suppressed lines.

A Kafka client with an unreachable broker logs each connection attempt: 90 lines a second from one
worker (measured). These hide other log lines and can fill a disk overnight.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass

EVERY_S = 30.0
_MOST_KINDS = 256
_LONGEST = 500
_NUMBER = re.compile(r"[0-9]{1,20}")

Kind = tuple[str, int, str, str]


@dataclass(slots=True)
class _Shown:
    at: float
    left_out: int = 0


class RepeatedLines(logging.Filter):
    """Passes one line of a kind per `every_s`. A kind is a logger, a level, a text without its
    numbers, and the class of an exception.

    Args:
        loggers: loggers, with all descendants, whose lines are limited. Other loggers and critical
        lines pass.
    """

    def __init__(self, loggers: Collection[str], every_s: float = EVERY_S) -> None:
        super().__init__()
        self._loggers = frozenset(loggers)
        self._every_s = every_s
        self._shown: dict[Kind, _Shown] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """See `logging.Filter.filter`; a line that is shown again has the number of suppressed
        ones.
        """
        if record.levelno >= logging.CRITICAL or not self._counts(record.name):
            return True
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - the handler tells of a line that can't be written
            return True
        kind = (record.name, record.levelno, _NUMBER.sub("0", text[:_LONGEST]), _cause(record))
        shown = self._shown.get(kind)
        # A clock that was set back must not suppress a kind for that long.
        if shown is not None and 0 <= record.created - shown.at < self._every_s:
            shown.left_out += 1
            return False
        if shown is None and len(self._shown) >= _MOST_KINDS:
            del self._shown[next(iter(self._shown))]
        self._shown[kind] = _Shown(at=record.created)
        if shown is not None and shown.left_out:
            record.msg = f"{text} ({shown.left_out} similar lines suppressed)"
            record.args = None
        return True

    def _counts(self, name: str) -> bool:
        parts = name.split(".")
        return any(".".join(parts[:length]) in self._loggers for length in range(1, len(parts) + 1))


def _cause(record: logging.LogRecord) -> str:
    raised = record.exc_info[0] if record.exc_info else None
    return raised.__name__ if raised else ""
