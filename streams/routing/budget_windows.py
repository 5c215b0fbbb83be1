"""Budget windows: hours, days and months of UTC, identified by their start in ms."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from schemas.records import DAY_MS, HOUR_MS

HOUR, DAY, MONTH = "hour", "day", "month"
WINDOWS = (HOUR, DAY, MONTH)

_FORMATS = {HOUR: "%Y-%m-%d %H:00", DAY: "%Y-%m-%d", MONTH: "%Y-%m"}


def window_start(window: str, at: int) -> int:
    """Return the start of the window that contains `at`; both ms since 1970 UTC."""
    if window == HOUR:
        return at - at % HOUR_MS
    day = at - at % DAY_MS
    if window == DAY:
        return day
    return _month_start(day)


@lru_cache(maxsize=256)
def _month_start(day: int) -> int:
    return day - (_date(day).day - 1) * DAY_MS


def window_end(window: str, start: int) -> int:
    """Return the exclusive end of the window that starts at `start`; ms since 1970 UTC."""
    if window == HOUR:
        return start + HOUR_MS
    if window == DAY:
        return start + DAY_MS
    return _month_end(start)


@lru_cache(maxsize=256)
def _month_end(start: int) -> int:
    date = _date(start)
    year, month = (date.year + 1, 1) if date.month == 12 else (date.year, date.month + 1)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp() * 1000)


def window_name(window: str, start: int) -> str:
    """Format a window: `2026-11-25 14:00`, `2026-11-25` or `2026-11`."""
    return _date(start).strftime(_FORMATS[window])


def moment_in_words(at: int) -> str:
    """Format a time: `2026-11-26 00:00 UTC`."""
    return _date(at).strftime("%Y-%m-%d %H:%M UTC")


def _date(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, tz=UTC)
