"""Usage in the books: from what a provider counted to the fields of a cost event, and back.

What a cost event holds is all that a price is made of, so that a replay can price the call again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.events import CostEvent
from streams.providers.port import Usage

_SAME_NAME = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "web_searches",
    "service_tier",
    "speed",
    "geography",
)


def with_usage(event: CostEvent, usage: Usage | None) -> CostEvent:
    """The event with what the call used; unchanged where that is not known."""
    if usage is None:
        return event
    counts = {name: getattr(usage, name) for name in _SAME_NAME}
    return replace(event, **counts, unknown_usage=usage.unknown)


def usage_of(row: Mapping[str, Any]) -> Usage:
    """The usage in a row of `calls`, whose columns have the names of the event's fields."""
    said = {name: None if row[name] == "" else row[name] for name in _SAME_NAME}
    return Usage(**said, unknown=tuple(row["unknown_usage"]))
