"""Answers in the form of Anthropic's Messages. Pure.

The blocks of an answer are its thinking, its text, and its tool calls. Reasoning of other vendors
is thinking with an empty signature; such a block is left out of requests to Anthropic.

Anthropic's form requires token counts. Those that the provider did not report are 0, and
`usage_reported` of the answer's `sluice` object and the header `x-sluice-usage` say so. Its
`input_tokens` exclude those read from and written to the prompt cache.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_text
from schemas.records import Reply, ReplyUsage
from streams.client.sent_answer import reasoning_of
from streams.gateway.dialects.answer import AnsweredRequest, is_reported, summary

Block = dict[str, Any]

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def message_id(request_id: str) -> str:
    """Return the id of a request's message."""
    return f"msg_{request_id}"


def message_body(answered: AnsweredRequest) -> dict[str, Any]:
    """Return the body of an answer."""
    reply, message = answered.reply, answered.message
    return {
        **empty_message(reply.request_id, reply.model or ""),
        "content": content_blocks(message),
        **stop_of(reply, message),
        "usage": {**usage_of(reply.usage), **PLACE_OF_SERVICE},
        "sluice": way_of(reply),
    }


def empty_message(request_id: str, model: str) -> dict[str, Any]:
    """Return a message without content, as a stream begins."""
    return {
        "id": message_id(request_id),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {**usage_of(None), **PLACE_OF_SERVICE},
    }


def content_blocks(message: Mapping[str, Any]) -> list[Block]:
    """Return the blocks of an assistant message in OpenAI's form."""
    return [
        *thinking_of(message),
        *({"type": "text", "text": text, "citations": None} for text in texts_of(message)),
        *(
            {**tool_use(call), "input": _input(call["function"]["arguments"])}
            for call in message.get("tool_calls") or ()
        ),
    ]


def thinking_of(message: Mapping[str, Any]) -> list[Block]:
    """Return the thinking of a message: with signatures, else its reasoning without one."""
    signed: list[Block] = message.get("thinking_blocks") or []
    if signed:
        return signed
    reasoning = reasoning_of(message)
    return [{"type": "thinking", "thinking": reasoning, "signature": ""}] if reasoning else []


def texts_of(message: Mapping[str, Any]) -> list[str]:
    """Return the texts of a message: what it says, and why it refuses."""
    return [text for text in (message.get("content"), message.get("refusal")) if text]


def tool_use(call: Mapping[str, Any]) -> Block:
    """Return the block of a tool call without its input. Ids of other vendors are rewritten to the
    characters that Anthropic accepts when the caller sends them back.
    """
    return {
        "type": "tool_use",
        "id": _NOT_IN_AN_ID.sub("_", call["id"]),
        "name": call["function"]["name"],
        "input": {},
        "caller": {"type": "direct"},
    }


def _input(arguments: str) -> orjson.Fragment | dict[str, Any]:
    """Return a tool call's input: an object with its numbers' digits. Arguments that are none, such
    as those cut off by the limit, are a text within one.
    """
    try:
        value = read_text(arguments or "{}")
    except orjson.JSONDecodeError:
        return {"arguments": arguments}
    if not isinstance(value, dict):
        return {"arguments": orjson.Fragment(arguments)}
    return orjson.Fragment(arguments or "{}")


def stop_of(reply: Reply, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return why an answer ended. A stop sequence is known if the provider names it."""
    reason = STOP_REASONS.get(reply.finish_reason or "", "end_turn")
    sequence = reply.stop_sequence if reason == "end_turn" else None
    if sequence is not None:
        reason = "stop_sequence"
    if message.get("refusal"):
        reason, sequence = "refusal", None
    return {"stop_reason": reason, "stop_sequence": sequence, "stop_details": None}


PLACE_OF_SERVICE: Mapping[str, Any] = {
    "cache_creation": None,
    "service_tier": "standard",
    "inference_geo": None,
}
"""Usage that replies do not state, in messages but not in the events that correct their counts."""


def usage_of(counted: ReplyUsage | None) -> dict[str, Any]:
    """Return the tokens of the answering call; 0 where the provider did not report them."""
    read = counted.cache_read_tokens or 0 if counted else 0
    written = counted.cache_write_tokens or 0 if counted else 0
    taken = counted.input_tokens or 0 if counted else 0
    return {
        "input_tokens": max(taken - read - written, 0),
        "output_tokens": counted.output_tokens or 0 if counted else 0,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens_details": (
            {"thinking_tokens": counted.reasoning_tokens or 0} if counted else None
        ),
        "server_tool_use": None,
    }


def way_of(reply: Reply) -> dict[str, Any]:
    """Return what an answer says of its way, and whether its token counts are known."""
    return {**summary(reply), "usage_reported": is_reported(reply.usage)}
