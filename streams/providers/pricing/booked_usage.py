"""Usage in cost events: conversion of a provider's usage to the event's fields, and back.

A cost event has everything that a price depends on, so a replay can price the call again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def event_fields(usage: Usage | None) -> dict[str, Any]:
    """Return the fields of a cost event for a call's usage; none if it is unknown."""
    if usage is None:
        return {}
    counts = {name: getattr(usage, name) for name in _SAME_NAME}
    return {**counts, "unknown_usage": usage.unknown}


def usage_of(row: Mapping[str, Any]) -> Usage:
    """Return the usage in a row of `calls`, whose columns have the names of the event's fields."""
    fields = {name: None if row[name] == "" else row[name] for name in _SAME_NAME}
    return Usage(**fields, unknown=tuple(row["unknown_usage"]))
