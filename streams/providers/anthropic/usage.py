"""Usage in Anthropic's format; pure.

Source: https://docs.anthropic.com/en/api/messages. `input_tokens` excludes cached tokens, the
port's includes them. Cache writes are split by lifetime, 5 minutes or 1 hour.
"""

from __future__ import annotations

from typing import Any

from streams.providers.answer_fields import Json, count
from streams.providers.port import Usage
from streams.providers.pricing.usage_fields import UsageFields, is_informative

_STANDARD_GEOGRAPHIES = frozenset({"global", "not_available"})
_SPLIT = "cache_creation"
_NOT_BILLED = (
    # Fetches and tool searches cost nothing beyond their tokens.
    ("server_tool_use", "web_fetch_requests"),
    ("server_tool_use", "tool_search_requests"),
)


def usage(document: Json) -> Usage:
    """Return the counted tokens and services; input tokens include cached ones."""
    fields = UsageFields(document)
    fresh, made = fields.count("input_tokens"), fields.count("output_tokens")
    read = fields.count("cache_read_input_tokens")
    short = fields.count(_SPLIT, "ephemeral_5m_input_tokens")
    kept = fields.count(_SPLIT, "ephemeral_1h_input_tokens")
    written = fields.count("cache_creation_input_tokens")
    split = (short or 0) + (kept or 0)
    if written is None:
        written = split if split else None
    elif split and split != written:
        fields.report(_SPLIT)
    if not _is_sum_of(fields.value("iterations"), fresh, made):
        fields.report("iterations")
    tier, speed = fields.word("service_tier"), fields.word("speed")
    geography = fields.word("inference_geo")
    reasoning = fields.count("output_tokens_details", "thinking_tokens")
    if reasoning and made is not None and reasoning > made:
        fields.report("output_tokens_details.thinking_tokens")
    fields.passes(*_NOT_BILLED)
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=made,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=kept,
        reasoning_tokens=reasoning,
        web_searches=fields.count("server_tool_use", "web_search_requests"),
        service_tier=None if tier == "standard" else tier,
        speed=None if speed == "standard" else speed,
        geography=None if geography in _STANDARD_GEOGRAPHIES else geography,
        unknown=fields.unknown(),
    )


def _is_sum_of(iterations: Any, fresh: int | None, made: int | None) -> bool:
    """Return whether the total equals its sampling steps; a compaction step is billed
    separately.
    """
    if not is_informative(iterations):
        return True
    if not isinstance(iterations, list) or not all(isinstance(each, dict) for each in iterations):
        return False
    sums = [
        sum(count(each.get(name)) or 0 for each in iterations)
        for name in ("input_tokens", "output_tokens")
    ]
    return sums == [fresh, made]
