"""How long an answer may be: what the caller asks for, within what model and window allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.routing.snapshot import Model

_MARGIN_SHARE = 16
"""A sixteenth of the estimated input is kept free: the estimate may be too low."""


def asked_limit(body: Mapping[str, Any]) -> int | None:
    """The limit that the caller set, in tokens; the newer name goes first."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return limit if isinstance(limit, int) else None


def answer_limit(body: Mapping[str, Any], model: Model, context_tokens: int) -> int:
    """The limit of an answer in tokens, at least 1.

    A caller's limit is cut to the model's `max_output`. Without one the limit is `max_output`, cut
    to what the estimated input of `context_tokens` leaves of the window.
    """
    asked = asked_limit(body)
    if asked is not None:
        return min(asked, model.max_output)
    left = model.context_window - context_tokens - context_tokens // _MARGIN_SHARE
    return max(min(model.max_output, left), 1)


def limit_notes(body: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """What the caller is told of a limit that was cut."""
    asked = asked_limit(body)
    if asked is None or asked <= model.max_output:
        return ()
    return (f"max_tokens cut from {asked} to {model.max_output}, the most of {model.name}",)
