"""Request parameters that may be dropped for a model that refuses them, and the limit of an
answer's length: the caller's, within those of model and context window.

Without one of them an answer may be worse, but it answers the same question. Indispensable parts
(messages, tools, the form of the answer) are capabilities, not parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.routing.snapshot import Model

PARAMETERS = frozenset(
    {
        "extra_content",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "thinking_blocks",
        "tool_choice",
        "top_k",
        "top_logprobs",
        "top_p",
        "verbosity",
    }
)
"""Names as in a request. `max_tokens` and `max_completion_tokens` are equivalent, `top_k` is in
`extra_body`, the reasoning ones are fields of assistant turns.
"""

TURN_FIELDS = frozenset(
    {"extra_content", "reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"}
)
"""Parameters that are fields of an assistant's turn."""


_MARGIN_SHARE = 16
"""A sixteenth of the estimated input is kept free, since the estimate may be too low."""


def asked_limit(body: Mapping[str, Any]) -> int | None:
    """Return the limit set by the caller, in tokens; the newer name takes precedence."""
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    return limit if isinstance(limit, int) else None


def answer_limit(body: Mapping[str, Any], model: Model, context_tokens: int) -> int:
    """Return the limit of an answer in tokens, at least 1.

    A caller's limit is capped at the model's `max_output`. Without one the limit is `max_output`,
    capped at what the estimated input of `context_tokens` leaves of the window.
    """
    requested = asked_limit(body)
    if requested is not None:
        return min(requested, model.max_output)
    left = model.context_window - context_tokens - context_tokens // _MARGIN_SHARE
    return max(min(model.max_output, left), 1)


def limit_notes(body: Mapping[str, Any], model: Model) -> tuple[str, ...]:
    """Return the notes to the caller on a reduced limit."""
    requested = asked_limit(body)
    if requested is None or requested <= model.max_output:
        return ()
    return (f"max_tokens cut from {requested} to {model.max_output}, the most of {model.name}",)
