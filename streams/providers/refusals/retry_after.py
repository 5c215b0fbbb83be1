"""The pause requested by a provider."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"\s{0,4}[0-9]+(?:\.[0-9]{0,400})?\s{0,4}", re.ASCII)
LONGEST_PAUSE_S = 3_600.0
"""Longest accepted pause: an erroneous value must not disable an instance permanently."""


def retry_after_s(headers: Mapping[str, str], now_s: Callable[[], float]) -> float | None:
    """Return the pause in seconds that the provider requests: `retry-after-ms`, or `retry-after` as
    seconds or as an HTTP date (RFC 9110, 10.2.3); an hour at most. `None` without a readable one.
    """
    requested = _requested_pause_s(headers, now_s)
    return None if requested is None else min(requested, LONGEST_PAUSE_S)


def _requested_pause_s(headers: Mapping[str, str], now_s: Callable[[], float]) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        at = parsedate_to_datetime(text)
        # A date without a zone is GMT by the RFC; Python parses it as naive.
        at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        return max(at.timestamp() - now_s(), 0.0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(text: str | None) -> float | None:
    """Parse digits of any number; an overflow is a very long pause."""
    return float(text) if text is not None and _NUMBER.fullmatch(text) else None
