"""Parser of times: `24h`, `yesterday`, `last week`, `2026-11-01T00:00Z`. Pure.

Days, weeks (from Monday) and months begin at midnight UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from schemas.errors import ConfigurationError

if TYPE_CHECKING:
    from sinks.analytics.query_runner import TimeRange

_AGO = re.compile(r"(\d{1,6})\s{0,8}([smhdw])(?:\s{1,8}ago)?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = timedelta(days=1)


class WrongTimeError(ConfigurationError):
    """An unreadable time."""


def time_range(since: str, until: str | None = None, now: datetime | None = None) -> TimeRange:
    """Return the range of two words; a word that names a span (`yesterday`) also sets its end.

    Raises:
        WrongTimeError: a word is unreadable, or the range is empty.
    """
    from sinks.analytics.query_runner import TimeRange

    at = now or datetime.now(UTC)
    start, end = _span(since, at)
    if until is not None:
        end, _ = _span(until, at)
    if end <= start:
        raise WrongTimeError(f"--since {since} is not before --until {until or 'now'}")
    return TimeRange(since=start, until=end)


def given_range(since: str, until: str | None = None) -> TimeRange:
    """Return the range of a command's --since and --until.

    Raises:
        UsageError: they are unreadable, or the range is empty.
    """
    try:
        return time_range(since, until)
    except WrongTimeError as wrong:
        raise click.UsageError(str(wrong)) from None


def _span(word: str, now: datetime) -> tuple[datetime, datetime]:
    """Return the start and the end of a word: the end is now, unless it names a past span."""
    text = " ".join(word.strip().lower().split())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight - _DAY * midnight.weekday()
    first = midnight.replace(day=1)
    named = {
        "now": (now, now),
        "today": (midnight, now),
        "yesterday": (midnight - _DAY, midnight),
        "this week": (monday, now),
        "last week": (monday - 7 * _DAY, monday),
        "this month": (first, now),
        "last month": ((first - _DAY).replace(day=1), first),
    }
    if text in named:
        return named[text]
    ago = _AGO.fullmatch(text)
    if ago is not None:
        try:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}), now
        except OverflowError:
            raise WrongTimeError(f"{word} is too far in the past") from None
    try:
        time = datetime.fromisoformat(word.strip())
    except ValueError:
        raise WrongTimeError(
            f"{word!r} is not a time. Use 90m, 24h, 7d, 2w, today, yesterday, 'last week', "
            "'this month', 2026-11-01 or 2026-11-01T00:00Z"
        ) from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC), now
