"""Validation of OpenAI chat-completions bodies, as strict as the real API.

Source: the request types of OpenAI's SDK, and
https://platform.openai.com/docs/api-reference/chat/create for what they do not hold. A request of
an adapter that the real API rejects is rejected here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)

from infra.simulator.call_facts import (
    PER_IMAGE,
    PER_MESSAGE,
    CheckedCall,
    Json,
    RequestRejectedError,
    need,
    within_bounds,
)
from infra.simulator.request_types import RequestType, TypeFault
from infra.simulator.responses.model_tiers import is_reasoning

_TYPE = RequestType(CompletionCreateParamsNonStreaming)
_STREAMED_TYPE = RequestType(CompletionCreateParamsStreaming)
_BOUNDS = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 1e7),
    "max_completion_tokens": (1, 1e7),
}
_IMAGE_URLS = ("https://", "http://", "data:image/")
_NOT_FOR_REASONING = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "stop")
_TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def read(body: Json) -> CheckedCall:
    """Check a body and return the call.

    Raises:
        RequestRejectedError: the real API would reject it.
    """
    body = _without_nulls(body)
    model = body.get("model")
    need(isinstance(model, str) and model, "you must provide a model parameter", "model")
    streamed = body.get("stream") is True
    fault = (_STREAMED_TYPE if streamed else _TYPE).fault(body)
    if fault is not None:
        raise _rejection(fault)
    messages = body["messages"]
    need(messages, "messages must contain a message", "messages")
    need(body.get("n") in (None, 1), "more than one choice is not simulated", "n")
    parts = [part for message in messages for part in _parts(message)]
    images = _check_images(parts)
    _check_tool_order(messages)
    _check_numbers(body, str(model))
    tools = _tools(body)
    options = body.get("stream_options") or {}
    need(
        streamed or not options,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        "stream_options",
    )
    text = [str(part[part["type"]]) for part in parts if part["type"] in {"text", "refusal"}]
    last: Json = next((m for m in reversed(messages) if m["role"] == "user"), {})
    return CheckedCall(
        model=str(model),
        prompt="\n".join(part["text"] for part in _parts(last) if part["type"] == "text"),
        text="\n".join(text),
        frame_tokens=len(messages) * PER_MESSAGE + images * PER_IMAGE + 60 * len(tools),
        max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        tools=tools,
        forced_tool=_forced(body, tools),
        schema=_format(body, text),
        logprobs=bool(body.get("logprobs")),
        top_logprobs=body.get("top_logprobs") or 0,
        follows_tool=messages[-1]["role"] == "tool",
        stream=streamed,
        include_usage=bool(options.get("include_usage")),
        include_obfuscation=options.get("include_obfuscation") is not False,
    )


def _without_nulls(body: Json) -> Json:
    """Return the body without null options, which the API accepts more widely than the SDK's types:
    at the top, and in functions.
    """
    found = {name: value for name, value in body.items() if value is not None}
    if isinstance(found.get("tools"), list):
        found["tools"] = [_tool_without_nulls(tool) for tool in found["tools"]]
    return found


def _tool_without_nulls(tool: Any) -> Any:
    function = tool.get("function") if isinstance(tool, dict) else None
    if not isinstance(function, dict):
        return tool
    kept = {name: value for name, value in function.items() if value is not None}
    return {**tool, "function": kept}


def _rejection(fault: TypeFault) -> RequestRejectedError:
    """Return the API's error for a field that does not fit its type."""
    first, *rest = fault.path
    place = str(first) + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in rest)
    if fault.kind == "extra_forbidden":
        return RequestRejectedError(f"Unrecognized request argument supplied: {place}", place)
    if fault.kind == "missing":
        message = f"Missing required parameter: '{place}'."
        return RequestRejectedError(message, place, "missing_required_parameter")
    kind = "invalid_value" if fault.kind == "literal_error" else "invalid_type"
    return RequestRejectedError(f"Invalid '{place}': {fault.message}", place, kind)


def _parts(message: Json) -> Iterator[Json]:
    """Yield the parts of a message's content; text is one part, absent content an empty one."""
    content = message.get("content")
    if isinstance(content, list):
        yield from content
    else:
        yield {"type": "text", "text": content or ""}


def _check_images(parts: Sequence[Json]) -> int:
    urls = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    need(all(url.startswith(_IMAGE_URLS) for url in urls), "an image URL is invalid", "messages")
    return len(urls)


def _check_tool_order(messages: Sequence[Json]) -> None:
    waiting: set[str] = set()
    for number, message in enumerate(messages):
        place = f"messages[{number}]"
        need(message.get("content") != [], f"{place}.content is empty", f"{place}.content")
        if message["role"] == "tool":
            called = message["tool_call_id"]
            need(called in waiting, "a tool message must answer a tool call before it", place)
            waiting.discard(called)
        else:
            need(not waiting, "tool calls must be followed by tool messages for each id", place)
        calls = message.get("tool_calls")
        if calls is not None:
            need(calls, f"{place}.tool_calls is empty", f"{place}.tool_calls")
            waiting = {call["id"] for call in calls}
    need(not waiting, "tool calls must be followed by tool messages for each id", "messages")


def _check_numbers(body: Json, model: str) -> None:
    within_bounds(body, _BOUNDS)
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
    need(tools is None or tools, "tools must not be empty", "tools")
    found: dict[str, Json] = {}
    for tool in tools or ():
        need(tool["type"] == "function", "custom tools are not simulated", "tools")
        function = tool["function"]
        need(_TOOL_NAME.match(function["name"]), "a tool's name is invalid", "tools")
        found[function["name"]] = function.get("parameters") or {}
    for name in ("tool_choice", "parallel_tool_calls"):
        need(tools or body.get(name) is None, f"{name} is only allowed with tools", name)
    return found


def _forced(body: Json, tools: Json) -> str | None:
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        need(choice["type"] == "function", "this tool_choice is not simulated", "tool_choice")
        name = str(choice["function"]["name"])
        need(name in tools, "tool_choice names a tool that is not there", "tool_choice")
        return name
    return "*" if choice == "required" else None


def _format(body: Json, text: Sequence[str]) -> Json | None:
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_object":
        spoken = any("json" in piece.lower() for piece in text)
        need(spoken, "'messages' must contain the word 'json' in some form", "messages")
        return {}
    if wanted.get("type") == "json_schema":
        need(wanted["json_schema"]["name"], "json_schema needs a name", "response_format")
        schema: Json = wanted["json_schema"].get("schema") or {}
        return schema
    return None
