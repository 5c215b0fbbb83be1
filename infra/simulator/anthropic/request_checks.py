"""Validation of Anthropic messages bodies, as strict as the real API.

Source: the request types of Anthropic's SDK; https://docs.anthropic.com/en/api/messages and
observed errors for what they do not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)

from infra.simulator.anthropic.option_checks import cache_marks, check_thinking
from infra.simulator.call_facts import (
    PER_IMAGE,
    PER_MESSAGE,
    CheckedCall,
    Json,
    RequestRejectedError,
    need,
    within_bounds,
)
from infra.simulator.request_types import RequestType


class _Parameters(MessageCreateParamsNonStreaming, total=False):
    """The SDK's parameters, and those that models older than the SDK still take."""

    temperature: float
    top_p: float
    top_k: int


class _StreamedParameters(MessageCreateParamsStreaming, total=False):
    """The same of a streamed call."""

    temperature: float
    top_p: float
    top_k: int


_TYPE = RequestType(_Parameters)
_STREAMED_TYPE = RequestType(_StreamedParameters)
_BOUNDS = {"max_tokens": (1, 1e7), "temperature": (0, 1), "top_p": (0, 1)}
_USER_BLOCKS = frozenset({"text", "image", "document", "search_result", "tool_result"})
_BOTH = frozenset({"text", "container_upload"})
_PER_DOCUMENT = 1_500
"""Tokens of a PDF: a page of text."""

_WORDED_SOURCES = frozenset({"text", "content"})
_CLIENT_TOOLS = frozenset({None, "custom"})
_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")


def read(body: Json) -> CheckedCall:
    """Check a body and return the call.

    Raises:
        RequestRejectedError: the real API would reject it.
    """
    streamed = body.get("stream") is True
    fault = (_STREAMED_TYPE if streamed else _TYPE).fault(body)
    if fault is not None:
        place = ".".join(map(str, fault.path))
        raise RequestRejectedError(f"{place}: {fault.message}", place)
    messages = body["messages"]
    need(messages, "messages: at least one is required", "messages")
    need(body["model"], "model: Field required", "model")
    within_bounds(body, _BOUNDS)
    stops = body.get("stop_sequences") or ()
    need(all(stop.strip() for stop in stops), "stop_sequences: white space only", "stop_sequences")
    turns = [_blocks(turn["content"]) for turn in messages]
    _check_turns(messages, turns)
    blocks = [block for turn in turns for block in turn]
    system = body.get("system") or []
    system_blocks = _blocks(system)
    unworded = _check_blocks(blocks if isinstance(system, str) else [*system, *blocks])
    tools = _tools(body, blocks)
    forced = _forced(body, tools)
    check_thinking(body)
    marks = cache_marks(body, _with_results([*system_blocks, *blocks]))
    shape = forced if forced == "json_answer" and len(tools) == 1 else None
    return CheckedCall(
        model=body["model"],
        prompt=_last_prompt(messages, turns),
        text="\n".join(_spoken(block) for block in (*system_blocks, *blocks)),
        frame_tokens=len(messages) * PER_MESSAGE + unworded + 80 * len(body.get("tools") or ()),
        max_tokens=body["max_tokens"],
        tools=tools,
        forced_tool=None if shape else forced,
        shape_tool=shape,
        schema=tools[shape] if shape else None,
        writes_cache=marks > 0,
        thinks=(body.get("thinking") or {}).get("type") in {"enabled", "adaptive"},
        follows_tool=any(block["type"] == "tool_result" for block in turns[-1]),
        stream=streamed,
    )


def _blocks(content: Any) -> list[Json]:
    """Return the blocks of a content; text that is not in a block is one."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _check_turns(messages: Sequence[Json], turns: Sequence[Sequence[Json]]) -> None:
    waiting: set[str] = set()
    for number, (turn, blocks) in enumerate(zip(messages, turns, strict=True)):
        place, role = f"messages.{number}", turn["role"]
        last = role == "assistant" and number == len(messages) - 1
        need(role in {"user", "assistant"}, f"{place}.role: user or assistant", place)
        need(number > 0 or role == "user", "messages: first message must use the user role", place)
        need(blocks or last, f"{place}.content: must not be empty", place)
        allowed = all(_is_allowed(block["type"], role) for block in blocks)
        need(allowed, f"{place}.content: a block's type is not allowed in a turn of {role}", place)
        _check_results(blocks, waiting, place)
        waiting = {block["id"] for block in blocks if block["type"] == "tool_use"}
        if last and blocks:
            final = blocks[-1].get("text") or ""
            need(final == final.rstrip(), "final assistant content can't end in space", place)
    need(not waiting, "tool_use ids were found without tool_result blocks after", "messages")


def _is_allowed(kind: str, role: str) -> bool:
    """Return whether a turn may have this type of block; thinking and the calls and results of
    server tools are the assistant's.
    """
    return kind in _BOTH or (kind in _USER_BLOCKS) == (role == "user")


def _check_results(blocks: Sequence[Json], waiting: set[str], place: str) -> None:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    leading = [block["type"] == "tool_result" for block in blocks]
    need(leading == sorted(leading, reverse=True), f"{place}: tool_result must come first", place)
    need(set(results) <= waiting, "unexpected tool_use_id found in tool_result blocks", place)
    need(waiting <= set(results), "tool_use ids without tool_result right after", place)


def _check_blocks(blocks: Sequence[Json]) -> int:
    """Check blocks and those inside tool results; return the tokens of images and PDFs."""
    tokens = 0
    for block in _with_results(blocks):
        if block["type"] == "text":
            need(block["text"].strip(), "text content blocks must be non-empty", "messages")
        elif block["type"] == "image":
            need(_is_secure(block), "only https images", "messages")
            tokens += PER_IMAGE
        elif block["type"] == "document":
            need(_is_secure(block), "only https documents", "messages")
            tokens += 0 if block["source"]["type"] in _WORDED_SOURCES else _PER_DOCUMENT
        elif block["type"] == "tool_use":
            need(_ID.match(block["id"]), "tool_use.id has invalid characters", "messages")
            need(_TOOL_NAME.match(block["name"]), "tool_use.name is invalid", "messages")
        elif block["type"] == "thinking":
            need(block["signature"], "thinking.signature: Field required", "messages")
    return tokens


def _is_secure(block: Json) -> bool:
    return str(block["source"].get("url", "https://")).startswith("https://")


def _with_results(blocks: Sequence[Json]) -> Iterator[Json]:
    for block in blocks:
        yield block
        if block["type"] == "tool_result" and isinstance(block.get("content"), list):
            yield from block["content"]


def _tools(body: Json, blocks: Sequence[Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    tools = list(body.get("tools") or ())
    for tool in tools:
        if tool.get("type") not in _CLIENT_TOOLS:
            # The provider runs it, and its name is the provider's.
            continue
        need(_TOOL_NAME.match(tool["name"]), "tools: a tool needs a name", "tools")
        schema = tool.get("input_schema") or {}
        need(schema.get("type") == "object", "tools.input_schema.type: must be object", "tools")
        found[tool["name"]] = schema
    used = any(block["type"] == "tool_use" for block in blocks)
    need(tools or not used, "requests with tool_use blocks must define tools", "tools")
    return found


def _forced(body: Json, tools: Json) -> str | None:
    choice = body.get("tool_choice")
    if choice is None:
        return None
    offered = body.get("tools") or ()
    need(offered, "tool_choice: without tools", "tool_choice")
    if choice["type"] == "tool":
        is_offered = any(choice["name"] == tool.get("name") for tool in offered)
        need(is_offered, "tool_choice names a tool that is not there", "tool_choice")
        return str(choice["name"]) if choice["name"] in tools else None
    return "*" if choice["type"] == "any" and tools else None


def _spoken(block: Json) -> str:
    content = block.get("text") or block.get("thinking") or block.get("content") or ""
    if block.get("type") == "document":
        source = block["source"]
        content = (
            source.get("content") or source.get("data") or ""
            if source["type"] in _WORDED_SOURCES
            else ""
        )
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else ()
    return "\n".join(_spoken(part) for part in parts if isinstance(part, dict))


def _last_prompt(messages: Sequence[Json], turns: Sequence[Sequence[Json]]) -> str:
    for turn, blocks in zip(reversed(messages), reversed(turns), strict=True):
        texts = [block["text"] for block in blocks if block["type"] == "text"]
        if turn["role"] == "user" and texts:
            return "\n".join(texts)
    return ""
