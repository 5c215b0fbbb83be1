"""What people type for a time, and how figures are shown to them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from infra.cli.arguments.time_range import WrongTimeError, time_range
from infra.figures import dollars, shown

NOW = datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
"""A Wednesday."""


def _at(day: int, hour: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "start", "end"),
    [
        ("24h", None, datetime(2026, 11, 24, 13, 30, tzinfo=UTC), NOW),
        ("7d", None, datetime(2026, 11, 18, 13, 30, tzinfo=UTC), NOW),
        ("90m ago", None, _at(25, 12), NOW),
        ("2w", "1w", datetime(2026, 11, 11, 13, 30, tzinfo=UTC), NOW.replace(day=18)),
        ("today", None, _at(25), NOW),
        ("yesterday", None, _at(24), _at(25)),
        ("yesterday", "now", _at(24), NOW),
        ("Last  Week", None, _at(16), _at(23)),
        ("this week", None, _at(23), NOW),
        ("last month", None, _at(1, month=10), _at(1)),
        ("this month", "yesterday", _at(1), _at(24)),
        ("2026-11-01T00:00Z", None, _at(1), NOW),
        ("2026-11-01T00:00+02:00", "2026-11-02", datetime(2026, 10, 31, 22, tzinfo=UTC), _at(2)),
        ("2026-11-01", None, _at(1), NOW),
    ],
)
def test_words_name_a_range(since: str, until: str | None, start: datetime, end: datetime) -> None:
    found = time_range(since, until, NOW)

    assert (found.since, found.until) == (start, end)


@pytest.mark.parametrize(
    ("since", "until"),
    [("tomorrow", None), ("", None), ("24", None), ("1h", "2h"), ("999999w", None)],
)
def test_an_invalid_time_is_rejected_with_examples(since: str, until: str | None) -> None:
    with pytest.raises(WrongTimeError):
        time_range(since, until, NOW)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234.5", "$1,234.50"),
        ("12.3456789", "$12.3457"),
        ("0.5", "$0.5000"),
        ("0.000123456", "$0.000123"),
        ("0.000000001", "$0.000000001"),
        ("0", "$0.0000"),
        ("-0.25", "-$0.2500"),
    ],
)
def test_money_has_digits_enough(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "USD", "-"),
        (None, "share", "-"),
        (0.12345, "share", "12.3%"),
        (1234.56, "ms", "1,234.6"),
        (1234567, "count", "1,234,567"),
        (NOW, "time", "2026-11-25 13:30:00"),
        ("simple", "text", "simple"),
    ],
)
def test_a_figure_is_shown_by_its_unit(value: Any, unit: str, text: str) -> None:
    assert shown(value, unit) == text
