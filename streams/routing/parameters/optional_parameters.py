"""Request parameters that may be left out for a model that refuses them.

Without one of them an answer may be worse, but it answers the same question. What a request cannot
do without (messages, tools, the form of the answer) is a capability, not a parameter.
"""

from __future__ import annotations

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
"""Names as in a request; `max_tokens` and `max_completion_tokens` stand for each other, `top_k` is
of `extra_body`, the reasoning ones are fields of assistant turns."""

TURN_FIELDS = frozenset(
    {"extra_content", "reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"}
)
"""Those that are fields of an assistant's turn."""
