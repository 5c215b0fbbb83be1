"""Conversion of a conversation's turns from OpenAI's messages to Anthropic's content blocks; pure.

Anthropic's rules, which the result meets for any input: the first turn is the user's; roles
alternate; no text block is empty or white space; each tool call has a distinct id, and its result
is at the start of the next user turn; the last assistant turn does not end in space; signed
thinking precedes the content that follows from it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from schemas.encoding.json_bounds import read_text
from streams.providers.answer_fields import Json
from streams.providers.anthropic.thinking import thinking_blocks
from streams.providers.port import ErrorClass, ProviderError
from streams.providers.tools.call_ids import with_distinct_ids

Block = dict[str, Any]

OPENING = "Go on."
"""Text of the first user turn if a conversation begins with the assistant's."""

_IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_SYSTEM = frozenset({"system", "developer"})
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_NAME_CHARACTERS = 64


def system_texts(messages: Sequence[Json]) -> list[str]:
    """Return the texts of the system and developer turns, in order."""
    if all(message["role"] in _SYSTEM for message in messages):
        return []
    return [
        found
        for message in messages
        if message["role"] in _SYSTEM
        for found in _texts(message.get("content"))
    ]


def turns(messages: Sequence[Json], *, thinking: bool = True) -> list[dict[str, Any]]:
    """Return the user's and the assistant's turns, alternating, the user's first.

    A conversation of system turns alone becomes a user turn, since one is required. `thinking` is
    whether the thinking of earlier turns is sent.
    """
    spoken: list[dict[str, Any]] = with_distinct_ids(
        [message for message in messages if message["role"] not in _SYSTEM]
    )
    if not spoken:
        spoken = [{**message, "role": "user"} for message in messages]
    result: list[dict[str, Any]] = []
    for message in spoken:
        role = "assistant" if message["role"] == "assistant" else "user"
        blocks = _blocks(message, thinking=thinking)
        if not blocks:
            continue
        if result and result[-1]["role"] == role:
            result[-1]["content"].extend(blocks)
        else:
            result.append({"role": role, "content": blocks})
    if not result or result[0]["role"] == "assistant":
        result.insert(0, {"role": "user", "content": [_text(OPENING)]})
    for turn in result:
        # A stable sort: only tool results move, to the front.
        turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    last = result[-1]
    if last["role"] == "assistant" and last["content"][-1]["type"] == "text":
        last["content"][-1]["text"] = last["content"][-1]["text"].rstrip()
    return result


def _blocks(message: Json, *, thinking: bool) -> list[Block]:
    if message["role"] == "tool":
        return [_tool_result(message)]
    blocks = _content(message.get("content"))
    if message["role"] == "assistant":
        if thinking:
            blocks = [*thinking_blocks(message), *blocks]
        if message.get("refusal"):
            blocks.extend(_content(message["refusal"]))
        blocks.extend(_tool_use(call) for call in message.get("tool_calls") or ())
    return blocks


def _content(content: object) -> list[Block]:
    if isinstance(content, str):
        return [_text(content)] if content.strip() else []
    blocks: list[Block] = []
    for piece in content if isinstance(content, list) else ():
        if piece["type"] == "image_url":
            blocks.append({"type": "image", "source": image_source(piece["image_url"]["url"])})
            continue
        piece_text = piece.get("text") or piece.get("refusal") or ""
        if piece_text.strip():
            blocks.append(_text(piece_text))
    return blocks


def _texts(content: object) -> list[str]:
    return [block["text"] for block in _content(content) if block["type"] == "text"]


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _tool_use(call: Json) -> Block:
    function = call["function"]
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": tool_name(function["name"]),
        "input": _arguments(function["arguments"]),
    }


def _tool_result(message: Json) -> Block:
    result: Block = {"type": "tool_result", "tool_use_id": message["tool_call_id"]}
    blocks = _content(message.get("content"))
    if len(blocks) == 1 and blocks[0]["type"] == "text":
        result["content"] = blocks[0]["text"]
    elif blocks:
        result["content"] = blocks
    return result


def _arguments(text: str) -> Json | orjson.Fragment:
    """Return arguments as an object with unchanged number literals; invalid JSON of an earlier
    model is passed on unchanged.
    """
    try:
        value = read_text(text or "{}")
    except orjson.JSONDecodeError:
        return {"arguments": text}
    if not isinstance(value, dict):
        return {"arguments": orjson.Fragment(text)}
    return orjson.Fragment(text or "{}")


def tool_name(name: str) -> str:
    """Return a tool's name in the characters that Anthropic accepts."""
    return _NOT_IN_A_NAME.sub("_", name)[:_NAME_CHARACTERS]


def image_source(url: str) -> dict[str, str]:
    """Return an image's source: a data URL as bytes, other URLs unchanged; nothing is fetched.

    Raises:
        ProviderError: BAD_REQUEST; the data URL is malformed or of an unsupported type.
    """
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, comma, data = url.removeprefix("data:").partition(",")
    media_type, *parameters = head.lower().split(";")
    media_type = "image/jpeg" if media_type == "image/jpg" else media_type
    if not comma or media_type not in _IMAGE_TYPES:
        raise ProviderError(
            ErrorClass.BAD_REQUEST,
            "an image is neither an https URL nor a data URL of type jpeg, png, gif or webp",
        )
    if "base64" not in parameters:
        data = base64.b64encode(unquote_to_bytes(data)).decode()
    return {"type": "base64", "media_type": media_type, "data": data}
