"""Validation of OpenAI chat-completions bodies, as strict as the real API.

Source: https://platform.openai.com/docs/api-reference/chat/create. A request of an adapter that the
real API rejects is rejected here too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from infra.simulator.call_facts import (
    CheckedCall,
    Json,
    RequestRejectedError,
    in_range,
    known_fields,
    need,
)
from infra.simulator.responses.model_tiers import is_reasoning
from infra.simulator.tokens import PER_IMAGE, PER_MESSAGE

_FIELDS = frozenset(
    [
        "messages",
        "model",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]
)
_MESSAGE_FIELDS = frozenset(
    {
        "role",
        "content",
        "name",
        "tool_calls",
        "tool_call_id",
        "refusal",
        "audio",
        "annotations",
        "function_call",
    }
)
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_PARTS = {
    "text": frozenset({"type", "text"}),
    "image_url": frozenset({"type", "image_url"}),
    "refusal": frozenset({"type", "refusal"}),
}
_NOT_FOR_REASONING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "stop")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def read(body: Json) -> CheckedCall:
    """Check a body and return the call.

    Raises:
        RequestRejectedError: the real API would reject it.
    """
    known_fields(body, _FIELDS)
    model = body.get("model")
    need(isinstance(model, str) and model, "you must provide a model parameter", "model")
    messages = body.get("messages")
    need(isinstance(messages, list) and messages, "messages must contain a message", "messages")
    need(not body.get("stream"), "streaming is not simulated", "stream")
    need(body.get("n") in (None, 1), "more than one choice is not simulated", "n")
    text: list[str] = []
    images = _check_messages(messages or (), text)
    _check_numbers(body, str(model))
    tools = _tools(body)
    wanted = _format(body, text)
    prompt = next(
        (_plain(m["content"]) for m in reversed(messages or ()) if m["role"] == "user"), ""
    )
    return CheckedCall(
        model=str(model),
        prompt=prompt,
        text="\n".join(text),
        frame_tokens=len(messages or ()) * PER_MESSAGE + images * PER_IMAGE + 60 * len(tools),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        tools=tools,
        forced_tool=_forced(body, tools),
        schema=wanted,
        logprobs=bool(body.get("logprobs")),
        top_logprobs=body.get("top_logprobs") or 0,
    )


def _check_messages(messages: Sequence[Any], text: list[str]) -> int:
    images = 0
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        need(isinstance(message, dict), f"{place} must be an object", place)
        known_fields(message, _MESSAGE_FIELDS, f"{place}.")
        role, content = message.get("role"), message.get("content")
        need(role in _ROLES, f"{place}.role is not a role", f"{place}.role")
        if role == "tool":
            called = message.get("tool_call_id")
            need(called in waiting, "a tool message must answer a tool call before it", place)
            waiting.discard(called)
        else:
            need(not waiting, "tool calls must be followed by tool messages for each id", place)
        calls = message.get("tool_calls")
        if calls is not None:
            need(role == "assistant" and calls, f"{place}.tool_calls is not allowed here", place)
            waiting = {_check_call(call, place) for call in calls}
        empty = content is None and calls is None and message.get("refusal") is None
        need(not empty or role == "assistant", f"{place}.content is required", f"{place}.content")
        images += _check_content(content, role, place, text)
    need(not waiting, "tool calls must be followed by tool messages for each id", "messages")
    return images


def _check_call(call: Any, place: str) -> str:
    function = call.get("function") if isinstance(call, dict) else None
    need(
        isinstance(function, dict)
        and call.get("type") == "function"
        and isinstance(call.get("id"), str)
        and isinstance(function.get("name"), str)
        and isinstance(function.get("arguments"), str),
        f"{place}.tool_calls is invalid",
        place,
    )
    return str(call["id"])


def _check_content(content: Any, role: Any, place: str, text: list[str]) -> int:
    if content is None or isinstance(content, str):
        text.append(content or "")
        return 0
    need(isinstance(content, list) and content, f"{place}.content is invalid", place)
    images = 0
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        need(kind in _PARTS, f"{place}.content has an unknown type", place)
        known_fields(part, _PARTS[str(kind)], f"{place}.content.")
        if kind == "image_url":
            need(role == "user", "images are only allowed in user messages", place)
            image = part["image_url"]
            url = image.get("url") if isinstance(image, dict) else None
            fine = isinstance(url, str) and url.startswith(("https://", "http://", "data:image/"))
            need(fine, f"{place}.content has an invalid image URL", place)
            images += 1
        else:
            content_text = part.get("text" if kind == "text" else "refusal")
            need(isinstance(content_text, str), f"{place}.content has no text", place)
            text.append(content_text)
    return images


def _check_numbers(body: Json, model: str) -> None:
    in_range(body, "temperature", 0, 2)
    in_range(body, "top_p", 0, 1)
    in_range(body, "frequency_penalty", -2, 2)
    in_range(body, "presence_penalty", -2, 2)
    in_range(body, "top_logprobs", 0, 20)
    in_range(body, "max_tokens", 1, 1e7)
    in_range(body, "max_completion_tokens", 1, 1e7)
    stop = body.get("stop")
    need(not isinstance(stop, list) or 0 < len(stop) <= 4, "stop takes up to 4 sequences", "stop")
    both = body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None
    need(not both, "max_tokens and max_completion_tokens can't both be set", "max_tokens")
    bare = body.get("top_logprobs") is not None and not body.get("logprobs")
    need(not bare, "top_logprobs needs logprobs", "top_logprobs")
    if is_reasoning(model):
        for name in (*_NOT_FOR_REASONING, "max_tokens", "logprobs", "top_logprobs"):
            if body.get(name) is not None:
                raise RequestRejectedError(
                    f"Unsupported parameter: '{name}' with this model",
                    name,
                    "unsupported_parameter",
                )
    else:
        named = "gpt-4" in model and body.get("reasoning_effort") is not None
        need(not named, "Unrecognized request argument: reasoning_effort", "reasoning_effort")


def _tools(body: Json) -> dict[str, Json]:
    tools = body.get("tools")
    need(tools is None or (isinstance(tools, list) and tools), "tools must not be empty", "tools")
    found: dict[str, Json] = {}
    for tool in tools or ():
        function = tool.get("function") if isinstance(tool, dict) else None
        named = isinstance(function, dict) and _TOOL_NAME.match(str(function.get("name", "")))
        need(named and tool.get("type") == "function", "a tool is invalid", "tools")
        schema = function.get("parameters") if isinstance(function, dict) else None
        need(schema is None or isinstance(schema, dict), "a tool's parameters are invalid", "tools")
        found[str(tool["function"]["name"])] = schema or {}
    for name in ("tool_choice", "parallel_tool_calls"):
        need(tools or body.get(name) is None, f"{name} is only allowed with tools", name)
    return found


def _forced(body: Json, tools: Json) -> str | None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        need(name in tools, "tool_choice names a tool that is not there", "tool_choice")
        return str(name)
    need(choice in (None, "none", "auto", "required"), "tool_choice is unknown", "tool_choice")
    return "*" if choice == "required" else None


def _format(body: Json, text: list[str]) -> Json | None:
    wanted = body.get("response_format")
    if wanted is None:
        return None
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    need(kind in {"text", "json_object", "json_schema"}, "response_format is unknown")
    if kind == "json_object":
        spoken = any("json" in piece.lower() for piece in text)
        need(spoken, "'messages' must contain the word 'json' in some form", "messages")
        return {}
    if kind == "json_schema":
        shape = wanted.get("json_schema")
        need(isinstance(shape, dict) and shape.get("name"), "json_schema needs a name")
        schema: Json = shape.get("schema") or {}
        return schema
    return None


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content or () if part.get("type") == "text")
