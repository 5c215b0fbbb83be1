"""Usage in cost events: conversion of a provider's usage to the event's fields, and back.

A cost event has everything that a price depends on, so a replay can price the call again. A call
without usage has its cost here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from streams.providers.port import ProviderError, Usage

_SAME_NAME = tuple(each.name for each in fields(Usage) if each.name != "unknown")


def event_fields(usage: Usage | None) -> dict[str, Any]:
    """Return the fields of a cost event for a call's usage; none if it is unknown."""
    if usage is None:
        return {}
    counts = {name: getattr(usage, name) for name in _SAME_NAME}
    return {**counts, "unknown_usage": usage.unknown}


def usage_of(row: Mapping[str, Any]) -> Usage:
    """Return the usage in a row of `calls`, whose columns have the names of the event's fields."""
    known = {name: None if row[name] == "" else row[name] for name in _SAME_NAME}
    return Usage(**known, unknown=tuple(row["unknown_usage"]))


UNBILLED = "unbilled"
"""Price source of calls that were not sent, or that the provider refused: they cost nothing."""

_LOWEST_ERROR_STATUS = 400


def cost_without_usage(error: ProviderError | None) -> tuple[int | None, str | None]:
    """Return cost, nano-USD, and price source of a call with unknown usage.

    A call that was not sent, or that the provider refused, costs nothing. For any other both are
    `None`.
    """
    if error is None:
        return None, None
    refused = (error.status or 0) >= _LOWEST_ERROR_STATUS
    return (0, UNBILLED) if refused or not error.sent else (None, None)
