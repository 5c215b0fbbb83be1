"""Usage in OpenAI's format, of all vendors and servers that use it; pure.

| vendor | differences from OpenAI |
|---|---|
| xAI, Gemini's compatible endpoint | reasoning is not in `completion_tokens`; `total_tokens` has it
    |
| Moonshot, Together | cached tokens at the top, `cached_tokens` |
| DeepSeek | `prompt_cache_hit_tokens` and `prompt_cache_miss_tokens` |
| Mistral | `num_cached_tokens`; `prompt_audio_seconds` has no price here |
| OpenRouter | `cache_write_tokens`, searches in `server_tool_use`, its own `cost` |
| Perplexity | searches, citations and reasoning beside the answer |
| Groq, SambaNova, Cerebras | timings among the counts |

The total is compared with its parts: tokens missing from the parts are output, and a total below
them leaves the usage unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.providers.answer_fields import Json
from streams.providers.port import Usage
from streams.providers.pricing.usage_fields import UsageFields

_STANDARD_TIERS = frozenset({"default", "standard", "auto", "on_demand"})
_PROMPT, _ANSWER = "prompt_tokens_details", "completion_tokens_details"
_CACHED = (
    (_PROMPT, "cached_tokens"),
    ("input_tokens_details", "cached_tokens"),
    ("prompt_cache_hit_tokens",),
    ("cached_tokens",),
    ("num_cached_tokens",),
    ("cache_read_input_tokens",),
)
_WRITTEN = (
    (_PROMPT, "cache_write_tokens"),
    (_PROMPT, "cache_creation_tokens"),
    (_PROMPT, "cache_creation_input_tokens"),
    ("input_tokens_details", "cache_write_tokens"),
    ("cache_write_tokens",),
    ("cache_creation_input_tokens",),
)
_WRITTEN_1H = (
    (_PROMPT, "cache_creation", "ephemeral_1h_input_tokens"),
    ("cache_creation", "ephemeral_1h_input_tokens"),
)
_PRICED_AS_THEIR_WHOLE = (
    (_PROMPT, "text_tokens"),
    (_PROMPT, "image_tokens"),
    (_PROMPT, "cache_type"),
    (_PROMPT, "cache_creation", "ephemeral_5m_input_tokens"),
    ("cache_creation", "ephemeral_5m_input_tokens"),
    (_ANSWER, "text_tokens"),
    (_ANSWER, "accepted_prediction_tokens"),
    (_ANSWER, "rejected_prediction_tokens"),
)
_NOT_BILLED = (
    # Vendors' own totals in money, and related flags.
    ("cost",),
    ("cost_details",),
    ("cost_in_usd_ticks",),
    ("estimated_cost",),
    ("is_byok",),
    ("is_last_response",),
    ("server_tool_use", "web_fetch_requests"),
)


@dataclass(slots=True)
class _Tokens:
    prompt: int | None
    answer: int | None


def usage(document: Json, service_tier: str | None = None) -> Usage:
    """Return the counted tokens and services; `service_tier` is the answer's own field."""
    fields = UsageFields(document)
    tokens = _Tokens(
        prompt=fields.counts(("prompt_tokens",), ("input_tokens",)),
        answer=fields.counts(("completion_tokens",), ("output_tokens",)),
    )
    read, written = fields.counts(*_CACHED), fields.counts(*_WRITTEN)
    kept = fields.counts(*_WRITTEN_1H)
    reasoning = fields.counts(
        (_ANSWER, "reasoning_tokens"),
        ("output_tokens_details", "reasoning_tokens"),
        ("reasoning_tokens",),
    )
    _hold_against_total(fields, tokens, (read or 0) + (written or 0), reasoning)
    missed = fields.count("prompt_cache_miss_tokens")
    if missed and tokens.prompt is not None and missed + (read or 0) != tokens.prompt:
        fields.report("prompt_cache_miss_tokens")
    if fields.word("search_context_size") not in {None, "low"}:
        fields.report("search_context_size")
    tier = fields.word("service_tier") or service_tier
    fields.passes(*_PRICED_AS_THEIR_WHOLE, *_NOT_BILLED)
    return Usage(
        input_tokens=tokens.prompt,
        output_tokens=tokens.answer,
        cache_read_tokens=read,
        cache_write_tokens=written if written is not None or not kept else kept,
        cache_write_1h_tokens=kept,
        reasoning_tokens=reasoning,
        audio_input_tokens=fields.count(_PROMPT, "audio_tokens"),
        audio_output_tokens=fields.count(_ANSWER, "audio_tokens"),
        web_searches=fields.counts(
            ("server_tool_use", "web_search_requests"),
            ("num_search_queries",),
            ("web_search_requests",),
        ),
        service_tier=None if tier in _STANDARD_TIERS else tier,
        unknown=fields.unknown(),
    )


def _hold_against_total(
    fields: UsageFields, tokens: _Tokens, cached: int, reasoning: int | None
) -> None:
    """Complete the parts from the total, in place; report a contradiction."""
    _complete(fields, tokens, cached, reasoning)
    if reasoning and tokens.answer is not None and reasoning > tokens.answer:
        # Either not in the answer or an error: the usage does not distinguish.
        fields.report(f"{_ANSWER}.reasoning_tokens")


def _complete(fields: UsageFields, tokens: _Tokens, cached: int, reasoning: int | None) -> None:
    total = fields.count("total_tokens")
    if not total:
        return
    if tokens.prompt is None and tokens.answer is not None:
        tokens.prompt = max(total - tokens.answer, 0)
    elif tokens.answer is None and tokens.prompt is not None:
        tokens.answer = max(total - tokens.prompt, 0)
    if tokens.prompt is None or tokens.answer is None:
        return
    missing = total - tokens.prompt - tokens.answer
    if missing < 0:
        fields.report("total_tokens")
    elif missing and missing == cached and missing != reasoning:
        # Some gateways count cached tokens separately from the prompt.
        tokens.prompt += missing
    else:
        tokens.answer += missing
