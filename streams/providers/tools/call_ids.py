"""Distinct ids of tool calls over a whole conversation.

Some servers send no ids, and some count from zero in every answer. A repeated id would assign a
call another one's result, and strict vendors refuse it. So answers get ids that are new in the
conversation, and repeated ids are made distinct before a conversation is sent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from streams.providers.answer_fields import Json

_TAKEN_EVERYWHERE = re.compile(r"^[A-Za-z0-9_-]{1,40}$")
"""Ids that every vendor accepts: Anthropic's characters, OpenAI's length."""


def ids_of(messages: object) -> set[str]:
    """Return the ids of the tool calls in a conversation."""
    return {
        call["id"]
        for message in (messages if isinstance(messages, list) else ())
        for call in message.get("tool_calls") or ()
    }


def fresh_id(identity: str | None, taken: set[str], seed: str, number: int) -> str:
    """Return an id for call `number` of an answer: the provider's own if it is unused, else one
    derived from `seed`, which differs for each answer. The id is added to `taken`.
    """
    chosen = identity
    round_ = 0
    while not chosen or chosen in taken:
        chosen = _digest(seed, str(number), str(round_))
        round_ += 1
    taken.add(chosen)
    return chosen


def with_distinct_ids(messages: Sequence[Json]) -> list[dict[str, Any]]:
    """Return the same turns, each tool call with a distinct id that every vendor accepts, and each
    result with the id of its call.

    A result belongs to the first call of its id, in the latest turn with one, without a result so
    far.
    """
    taken: set[str] = set()
    open_calls: dict[str, list[str]] = {}
    return [_renamed(message, taken, open_calls) for message in messages]


def _renamed(message: Json, taken: set[str], open_calls: dict[str, list[str]]) -> dict[str, Any]:
    renamed = dict(message)
    calls = message.get("tool_calls")
    if calls:
        for call in calls:
            open_calls[call["id"]] = []
        renamed["tool_calls"] = [
            {**call, "id": _distinct(call["id"], taken, open_calls)} for call in calls
        ]
    answered = message.get("tool_call_id")
    if isinstance(answered, str):
        waiting = open_calls.get(answered)
        if waiting:
            renamed["tool_call_id"] = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        else:
            renamed["tool_call_id"] = usable_id(answered)
    return renamed


def _distinct(given: str, taken: set[str], open_calls: dict[str, list[str]]) -> str:
    chosen = fresh_id(usable_id(given), taken, given, len(taken))
    open_calls[given].append(chosen)
    return chosen


def usable_id(identity: str) -> str:
    """Return an id that every vendor accepts: itself, or a digest of it."""
    return identity if _TAKEN_EVERYWHERE.match(identity) else _digest(identity)


def _digest(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return "call_" + blake2b(text, digest_size=12).hexdigest()
