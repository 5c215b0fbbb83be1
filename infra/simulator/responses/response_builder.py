"""Builds a response from a call and an answer: truncated to its limit, counted and priced."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b

import orjson

from infra.simulator.call_facts import CheckedCall, count_tokens
from infra.simulator.ledger import ServedCall
from infra.simulator.pricing import cost_nano
from infra.simulator.responses.classifications import opinion_of
from infra.simulator.responses.default_responses import stock_answer
from infra.simulator.responses.model_tiers import is_reasoning
from infra.simulator.responses.recorded_responses import AnswerBook, SimulatedAnswer

CACHED_PREFIX_TOKENS = 1_024
"""Length of the cached prefix, and the minimum for caching: OpenAI's."""

_CHARACTERS_A_TOKEN = 4
_PREFIXES = 4_096
_REASONING_SHARE = 2
_REASONING_MAX = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """The response to one call. `encoded` is the text as a JSON string, `thinking` what comes
    before it.
    """

    encoded: bytes
    finish: str
    answer: SimulatedAnswer
    served: ServedCall
    thinking: str = ""


class ResponseBuilder:
    """Finds an answer, truncates it to the limit and counts it.

    `caches` bills the prefix of long prompts as cached from the second call on.
    """

    def __init__(self, book: AnswerBook, *, caches: bool = False) -> None:
        self._book = book
        self._caches = caches
        self._prefixes: OrderedDict[bytes, None] = OrderedDict()

    def prepare(self, checked: CheckedCall) -> Serving:
        """Return the response to this call."""
        answer = opinion_of(checked, self._book) or self._book.find(checked.model, checked.prompt)
        if answer is None or not _fits(checked, answer):
            answer = stock_answer(checked)
        encoded, finish, output = answer.encoded, answer.finish, answer.tokens
        if checked.max_tokens is not None and output > checked.max_tokens and not answer.tools:
            text = answer.text[: checked.max_tokens * _CHARACTERS_A_TOKEN]
            encoded, finish, output = orjson.dumps(text), "length", checked.max_tokens
        thinking = _thinking(checked, output)
        reasoning = count_tokens(thinking) or self._reasoning(checked, output)
        total = count_tokens(checked.text) + checked.frame_tokens
        read, written = self._cached(checked, total)
        output += reasoning
        served = ServedCall(
            input=total - read - written,
            output=output,
            cache_read=read,
            cache_write=written,
            reasoning=reasoning,
            cost_nano=cost_nano(
                checked.model,
                fresh=total - read - written,
                output=output,
                cache_read=read,
                cache_write=written,
            ),
        )
        return Serving(
            encoded=encoded, finish=finish, answer=answer, served=served, thinking=thinking
        )

    def _reasoning(self, checked: CheckedCall, output: int) -> int:
        if not is_reasoning(checked.model):
            return 0
        room = _REASONING_MAX if checked.max_tokens is None else checked.max_tokens - output
        return max(min(output * _REASONING_SHARE, _REASONING_MAX, room), 0)

    def _cached(self, checked: CheckedCall, total: int) -> tuple[int, int]:
        """Return tokens read from the cache and written to it."""
        if not (self._caches or checked.writes_cache) or total < CACHED_PREFIX_TOKENS:
            return 0, 0
        prefix = checked.text[: CACHED_PREFIX_TOKENS * _CHARACTERS_A_TOKEN]
        key = blake2b(f"{checked.model}\n{prefix}".encode(), digest_size=16).digest()
        known = key in self._prefixes
        self._prefixes[key] = None
        self._prefixes.move_to_end(key)
        if len(self._prefixes) > _PREFIXES:
            self._prefixes.popitem(last=False)
        if known:
            return CACHED_PREFIX_TOKENS, 0
        return 0, CACHED_PREFIX_TOKENS if checked.writes_cache else 0


def _fits(checked: CheckedCall, answer: SimulatedAnswer) -> bool:
    """Return whether an answer calls a tool where one is forced, and not twice for one question."""
    if checked.forced_tool is not None:
        return bool(answer.tools)
    return not (answer.tools and checked.follows_tool)


def _thinking(checked: CheckedCall, output: int) -> str:
    """Return the thinking before an answer of `output` tokens, if it was requested and has room."""
    if not checked.thinks:
        return ""
    words = len(checked.prompt.split())
    text = f"The last turn has {words} words. I answer what it asks, and nothing else."
    has_room = checked.max_tokens is None or checked.max_tokens >= output + count_tokens(text)
    return text if has_room else ""
