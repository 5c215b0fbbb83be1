"""Checks of thinking and of prompt caching in Anthropic's messages.

Source: https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking and
https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching.
"""

from __future__ import annotations

from collections.abc import Iterable

from infra.simulator.call_facts import Json, need

_MOST_CACHE_MARKS = 4
_LEAST_THINKING = 1_024
_FORCED = frozenset({"any", "tool"})


def check_thinking(body: Json) -> None:
    """Check the conditions of extended thinking.

    Raises:
        RequestRejectedError: the real API would reject it.
    """
    wanted = body.get("thinking") or {}
    if wanted.get("type") != "enabled":
        return
    budget = wanted["budget_tokens"]
    need(
        budget >= _LEAST_THINKING,
        f"thinking.enabled.budget_tokens: Input should be at least {_LEAST_THINKING}",
        "thinking.enabled.budget_tokens",
    )
    need(
        body["max_tokens"] > budget,
        "max_tokens must be greater than thinking.budget_tokens",
        "max_tokens",
    )
    need(
        body.get("temperature") in {None, 1},
        "temperature may only be set to 1 when thinking is enabled",
        "temperature",
    )
    forced = (body.get("tool_choice") or {}).get("type") in _FORCED
    need(not forced, "Thinking may not be enabled when tool_choice forces tool use.", "tool_choice")


def cache_marks(body: Json, blocks: Iterable[Json]) -> int:
    """Return the number of `cache_control` marks: of the body itself, its tools and its blocks.

    Raises:
        RequestRejectedError: there are more than the real API accepts.
    """
    marked = (body, *(body.get("tools") or ()), *blocks)
    marks = sum(each.get("cache_control") is not None for each in marked)
    most = f"A maximum of {_MOST_CACHE_MARKS} blocks with cache_control may be provided."
    need(marks <= _MOST_CACHE_MARKS, most, "cache_control")
    return marks
