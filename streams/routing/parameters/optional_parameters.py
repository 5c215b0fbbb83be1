"""Request parameters that may be dropped for a model that refuses them.

Without one of them an answer may be worse, but it answers the same question. Indispensable parts
(messages, tools, the form of the answer) are capabilities, not parameters.
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
"""Names as in a request. `max_tokens` and `max_completion_tokens` are equivalent, `top_k` is in
`extra_body`, the reasoning ones are fields of assistant turns.
"""

TURN_FIELDS = frozenset(
    {"extra_content", "reasoning", "reasoning_content", "reasoning_details", "thinking_blocks"}
)
"""Parameters that are fields of an assistant's turn."""
