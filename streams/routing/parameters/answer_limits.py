"""Limit of the answer's length: the caller's limit, within those of model and context window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.routing.snapshot import Model

_MARGIN_SHARE = 16
"""A sixteenth of the estimated input is kept free, since the estimate may be too low."""


def requested_limit(body: Mapping[str, Any]) -> int | None:
    """Return the limit set by the caller, in tokens; the newer name takes precedence."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return limit if isinstance(limit, int) else None


def answer_limit(body: Mapping[str, Any], model: Model, context_tokens: int) -> int:
    """Return the limit of an answer in tokens, at least 1.

    A caller's limit is capped at the model's `max_output`. Without one the limit is `max_output`,
    capped at what the estimated input of `context_tokens` leaves of the window.
    """
    requested = requested_limit(body)
    if requested is not None:
        return min(requested, model.max_output)
    left = model.context_window - context_tokens - context_tokens // _MARGIN_SHARE
    return max(min(model.max_output, left), 1)


def limit_notes(body: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """Return the notes to the caller on a reduced limit."""
    requested = requested_limit(body)
    if requested is None or requested <= model.max_output:
        return ()
    return (f"max_tokens cut from {requested} to {model.max_output}, the most of {model.name}",)
