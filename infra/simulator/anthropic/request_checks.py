"""Validation of Anthropic messages bodies, as strict as the real API.

Source: https://docs.anthropic.com/en/api/messages and observed errors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from infra.simulator.call_facts import CheckedCall, Json, in_range, known_fields, need
from infra.simulator.tokens import PER_IMAGE, PER_MESSAGE

_FIELDS = frozenset(
    [
        "model",
        "messages",
        "max_tokens",
        "container",
        "context_management",
        "mcp_servers",
        "metadata",
        "service_tier",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "cache_control",
        "output_config",
        "inference_geo",
        "speed",
    ]
)
_BLOCKS = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
}
_OF_USERS = frozenset({"text", "image", "tool_result"})
_OF_ASSISTANTS = frozenset({"text", "tool_use"})
_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,128}$")
_CHOICES = frozenset({"auto", "any", "tool", "none"})
_TIERS = frozenset({None, "auto", "standard_only"})


def read(body: Json) -> CheckedCall:
    """Check a body and return the call.

    Raises:
        RequestRejectedError: the real API would reject it.
    """
    known_fields(body, _FIELDS)
    model, limit, messages = (body.get(name) for name in ("model", "max_tokens", "messages"))
    need(isinstance(model, str) and model, "model: Field required", "model")
    counted = isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1
    need(counted, "max_tokens: Field required, 1 or more", "max_tokens")
    need(isinstance(messages, list) and messages, "messages: at least one is required", "messages")
    need(not body.get("stream"), "streaming is not simulated", "stream")
    text = [_system(body.get("system"))]
    images = _check_turns(messages or (), text)
    in_range(body, "temperature", 0, 1)
    in_range(body, "top_p", 0, 1)
    need(body.get("service_tier") in _TIERS, "service_tier: unknown", "service_tier")
    stops = body.get("stop_sequences") or ()
    need(all(stop.strip() for stop in stops), "stop_sequences: white space only", "stop_sequences")
    tools = _tools(body, messages or ())
    forced = _forced(body, tools)
    shape = forced if forced == "json_answer" and len(tools) == 1 else None
    return CheckedCall(
        model=str(model),
        prompt=_last_prompt(messages or ()),
        text="\n".join(text),
        frame_tokens=len(messages or ()) * PER_MESSAGE + images * PER_IMAGE + 80 * len(tools),
        max_tokens=limit,
        tools=tools,
        forced_tool=None if shape else forced,
        shape_tool=shape,
        schema=tools[shape] if shape else None,
        writes_cache=body.get("cache_control") is not None,
    )


def _system(system: Any) -> str:
    if system is None or isinstance(system, str):
        return system or ""
    need(isinstance(system, list), "system: must be text or blocks", "system")
    for block in system:
        _check_block(block, frozenset({"text"}), "system")
    return "\n".join(block["text"] for block in system)


def _check_turns(messages: Sequence[Any], text: list[str]) -> int:
    images = 0
    waiting: set[str] = set()
    for number, turn in enumerate(messages):
        place = f"messages.{number}"
        need(isinstance(turn, dict), f"{place}: must be an object", place)
        known_fields(turn, frozenset({"role", "content"}), f"{place}.")
        role = turn.get("role")
        need(role in {"user", "assistant"}, f"{place}.role: user or assistant", place)
        need(number > 0 or role == "user", "messages: first message must use the user role", place)
        content = turn.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        last = number == len(messages) - 1
        need(
            isinstance(blocks, list) and (blocks or (last and role == "assistant")),
            f"{place}.content: must not be empty",
            place,
        )
        allowed = _OF_USERS if role == "user" else _OF_ASSISTANTS
        for block in blocks or ():
            images += _check_block(block, allowed, place)
            text.append(_spoken(block))
        _check_results(blocks or (), waiting, place)
        waiting = {block["id"] for block in blocks or () if block["type"] == "tool_use"}
        if last and role == "assistant" and blocks:
            final = blocks[-1].get("text") or ""
            need(final == final.rstrip(), "final assistant content can't end in space", place)
    need(not waiting, "tool_use ids were found without tool_result blocks after", "messages")
    return images


def _check_block(block: Any, allowed: frozenset[str], place: str) -> int:
    kind = block.get("type") if isinstance(block, dict) else None
    need(kind in allowed, f"{place}.content: a block's type is not allowed here", place)
    known_fields(block, _BLOCKS[str(kind)], f"{place}.content.")
    if kind == "text":
        text = block.get("text")
        need(isinstance(text, str) and text.strip(), "text content blocks must be non-empty", place)
    elif kind == "image":
        _check_source(block.get("source"), place)
        return 1
    elif kind == "tool_use":
        need(
            _ID.match(str(block.get("id", ""))),
            f"{place}: tool_use.id has invalid characters",
            place,
        )
        fine = _TOOL_NAME.match(str(block.get("name", ""))) and isinstance(block.get("input"), dict)
        need(fine, f"{place}: tool_use needs a name and an object as input", place)
    else:
        content = block.get("content")
        if isinstance(content, list):
            return sum(_check_block(part, frozenset({"text", "image"}), place) for part in content)
        need(content is None or isinstance(content, str), f"{place}: tool_result is invalid", place)
    return 0


def _check_source(source: Any, place: str) -> None:
    need(isinstance(source, dict), f"{place}: an image needs a source", place)
    if source.get("type") == "url":
        known_fields(source, frozenset({"type", "url"}), f"{place}.source.")
        need(str(source.get("url", "")).startswith("https://"), "only https images", place)
        return
    known_fields(source, frozenset({"type", "media_type", "data"}), f"{place}.source.")
    fine = source.get("type") == "base64" and source.get("media_type") in _IMAGES
    need(fine and source.get("data"), f"{place}: an image's source is invalid", place)


def _check_results(blocks: Sequence[Json], waiting: set[str], place: str) -> None:
    results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    leading = [block["type"] == "tool_result" for block in blocks]
    need(leading == sorted(leading, reverse=True), f"{place}: tool_result must come first", place)
    need(set(results) <= waiting, "unexpected tool_use_id found in tool_result blocks", place)
    need(waiting <= set(results), "tool_use ids without tool_result right after", place)


def _tools(body: Json, messages: Sequence[Json]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for tool in body.get("tools") or ():
        fine = isinstance(tool, dict) and _TOOL_NAME.match(str(tool.get("name", "")))
        need(fine, "tools: a tool needs a name", "tools")
        known_fields(
            tool,
            frozenset({"name", "description", "input_schema", "cache_control", "type", "strict"}),
            "tools.",
        )
        schema = tool.get("input_schema")
        typed = isinstance(schema, dict) and schema.get("type") == "object"
        need(typed, "tools.input_schema.type: must be object", "tools")
        found[tool["name"]] = schema
    used = any(
        block.get("type") == "tool_use"
        for turn in messages
        if isinstance(turn["content"], list)
        for block in turn["content"]
    )
    need(found or not used, "requests with tool_use blocks must define tools", "tools")
    return found


def _forced(body: Json, tools: Json) -> str | None:
    choice = body.get("tool_choice")
    if choice is None:
        return None
    kind = choice.get("type") if isinstance(choice, dict) else None
    need(kind in _CHOICES and tools, "tool_choice: unknown, or without tools", "tool_choice")
    if kind == "tool":
        need(choice.get("name") in tools, "tool_choice names a tool that is not there")
        return str(choice["name"])
    return "*" if kind == "any" else None


def _spoken(block: Json) -> str:
    content = block.get("text") or block.get("content") or ""
    return content if isinstance(content, str) else "\n".join(_spoken(part) for part in content)


def _last_prompt(messages: Sequence[Json]) -> str:
    for turn in reversed(messages):
        if turn["role"] != "user":
            continue
        if isinstance(turn["content"], str):
            return str(turn["content"])
        texts = [block["text"] for block in turn["content"] if block["type"] == "text"]
        if texts:
            return "\n".join(texts)
    return ""
