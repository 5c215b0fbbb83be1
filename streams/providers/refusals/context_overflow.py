"""Detection of context overflow: the prompt, or prompt and answer together, are too long.

Codes and types take precedence; words are for vendors without them. Sources are the vendors' error
pages and reports of their users: OpenAI, Azure, Anthropic, Bedrock, Gemini and Vertex, Mistral,
Cohere, Groq, xAI, Together, Fireworks, DeepSeek, Moonshot, MiniMax, OpenRouter, vLLM, SGLang, TGI,
DashScope, Zhipu, llama.cpp, LM Studio, Ollama, TensorRT-LLM.
"""

from __future__ import annotations

import re

OVERFLOW_NAMES = frozenset(
    {
        "context_length_exceeded",
        "context_window_exceeded",
        "contextwindowexceeded",
        "exceed_context_size_error",
        "input_too_long",
        "max_context_length",
        "max_tokens_exceeded",
        "model_context_window_exceeded",
        "prompt_too_long",
        "request_too_large",
        "1261",
        "string_above_max_length",
        "tokens_limit_reached",
    }
)
"""Values of `code` or `type`, in lower case."""

_WINDOW = r"(context|sequence|prompt|input|token|model)[ _-]?(window|length|size|limit|len)"

_WORDINGS = (
    r"maximum context length",
    r"context[ _-]?(window|length|size|limit)\W.{0,80}(exceed|full|overflow|only)",
    r"(exceed\w{0,4}|above|beyond|greater than|larger than|longer than|over) (the |its |this )?"
    rf"(model('s)? |available |maximum |configured |allowed ){{0,3}}{_WINDOW}",
    r"exceed\w{0,4} (the )?(model's )?(maximum|max|available) ?(number of |allowed )?"
    rf"({_WINDOW}|tokens)",
    rf"{_WINDOW}s? (of [\d,]{{1,15}} )?(has been |was |is )?exceed\w{{0,4}}",
    r"exceed\w{0,4} the maximum context",
    r"(prompt|input|request|message|conversation|text|contents?|sequence)s? (\([^)]{0,40}\) )?"
    r"(is|are|was|were|has become)? ?too (long|large|big)",
    r"(input|prompt) (token )?(length|count|size)\b.{0,60}(exceed|greater|larger|longer|too)",
    r"(input|prompt|request|total)( has| contains| of)? [\d,]{1,15} ?tokens.{0,60}"
    r"(exceed|limit|maximum|more than|greater)",
    r"too many (input |prompt |total )?tokens",
    r"tokens? in (the )?request more than max",
    r"number of (input |prompt )?tokens.{0,60}(exceed|limit|more than|must be)",
    r"`?inputs?`? (tokens? )?(\+|plus|and) ?`?(max_new_tokens|max_tokens|output)",
    r"`?inputs?`? must have less than [\d,]{1,15} tokens",
    r"string too long\. expected a string with max",
    r"`?max_(new_|completion_|output_)?tokens`? (is )?too (large|high|big)",
    r"`?max_(new_|completion_|output_)?tokens`?.{0,20}(>|exceed|above|greater).{0,60}"
    r"(maximum|limit|allowed|context|window)",
    r"max(imum)? (prompt|input|model|sequence|allowed)[ _](length|tokens|len|size)\b",
    r"reduce (the )?(length|size|number) (of|your) (the )?(messages|prompt|input|tokens|request)",
    r"(does|do|will|can)( ?no|n)'?t fit (in|into|within)? ?(the |its )?(model|context)",
    r"(messages?|prompt|input) resulted in [\d,]{1,15} tokens",
    r"too large for (the )?model",
    r"exceeded model token limit",
    r"out(side)? of (the )?context (window|size)",
    r"prompt exceeds",
    r"range of (input length|max_tokens) should be",
    r"n_ctx|max_seq_len|max_model_len|max_input_length|max_total_tokens",
)
_OVERFLOW = re.compile("|".join(_WORDINGS), re.IGNORECASE | re.DOTALL)
_RATE = re.compile(
    r"rate.?limit|per (minute|day|hour)|\b(tpm|tpd|rpm)\b|quota|too many requests", re.IGNORECASE
)


def is_context_overflow(message: str) -> bool:
    """Return whether a refusal's words report that the call exceeds the model's window. Limits of
    tokens a minute have similar words and are excluded.
    """
    return _OVERFLOW.search(message) is not None and _RATE.search(message) is None
