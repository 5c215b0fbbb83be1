"""Between OpenAI's chat format, which the contract speaks, and Anthropic's messages.

Source: https://docs.anthropic.com/en/api/messages. Pure. What differs and how it is met:
system turns are collected into `system`; neighbouring turns of one role become one; tool results
are user content; `max_tokens` is required; temperature ends at 1; a JSON Schema is asked for as
the input of one forced tool, whose input becomes the answer's text, since every model that calls
tools can do that; with other tools beside it, or for plain JSON, an instruction is added instead.
`seed`, penalties, `logit_bias` and logprobs have no counterpart and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from streams.providers.base import ChatCall, Completion, ErrorClass, ProviderError, Usage

ANSWER_TOOL = "answer"
DEFAULT_MAX_TOKENS = 4_096

_JSON_INSTRUCTION = "Answer with one JSON object and nothing else: no prose, no code fence."
_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}

Block = dict[str, Any]


def messages_body(call: ChatCall) -> dict[str, Any]:
    """The body of a messages request."""
    source = call.body
    system = [
        _text(message.get("content"))
        for message in source["messages"]
        if message["role"] in {"system", "developer"}
    ]
    body: dict[str, Any] = {
        "model": call.model,
        "max_tokens": call.max_output_tokens or DEFAULT_MAX_TOKENS,
        "messages": turns(source["messages"]),
    }
    _set_tools(body, source)
    _set_answer_shape(body, source, system)
    if system:
        body["system"] = "\n\n".join(system)
    if source.get("temperature") is not None:
        body["temperature"] = min(float(source["temperature"]), 1.0)
    if source.get("top_p") is not None:
        body["top_p"] = source["top_p"]
    if source.get("stop"):
        stop = source["stop"]
        body["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    body.update(source.get("extra_body") or {})
    return body


def turns(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """User and assistant turns, in alternation, as content blocks."""
    result: list[dict[str, Any]] = []
    for message in messages:
        role = message["role"]
        if role in {"system", "developer"}:
            continue
        kind = "assistant" if role == "assistant" else "user"
        blocks = _blocks(message)
        if not blocks:
            continue
        if result and result[-1]["role"] == kind:
            result[-1]["content"].extend(blocks)
        else:
            result.append({"role": kind, "content": blocks})
    return result


def _blocks(message: Mapping[str, Any]) -> list[Block]:
    content = message.get("content")
    if message["role"] == "tool":
        return [
            {
                "type": "tool_result",
                "tool_use_id": message["tool_call_id"],
                "content": _text(content),
            }
        ]
    blocks = _content_blocks(content)
    for call in message.get("tool_calls") or ():
        function = call["function"]
        blocks.append(
            {
                "type": "tool_use",
                "id": call["id"],
                "name": function["name"],
                "input": _arguments(function["arguments"]),
            }
        )
    return blocks


def _content_blocks(content: Any) -> list[Block]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    blocks: list[Block] = []
    for part in content or ():
        if part["type"] == "text" and part["text"]:
            blocks.append({"type": "text", "text": part["text"]})
        elif part["type"] == "image_url":
            blocks.append({"type": "image", "source": _image(part["image_url"]["url"])})
        elif part["type"] == "refusal":
            blocks.append({"type": "text", "text": part["refusal"]})
    return blocks


def _image(url: str) -> dict[str, str]:
    """A data URL goes along as bytes, any other as a reference; nothing is fetched here."""
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url.removeprefix("data:").partition(",")
    return {"type": "base64", "media_type": head.split(";")[0], "data": data}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n\n".join(part["text"] for part in content or () if part["type"] == "text")


def _arguments(text: str) -> Any:
    """Tool input as an object; what is no JSON object is passed on under one name."""
    try:
        value = orjson.loads(text or "{}")
    except orjson.JSONDecodeError:
        return {"arguments": text}
    return value if isinstance(value, dict) else {"arguments": value}


def _set_tools(body: dict[str, Any], source: Mapping[str, Any]) -> None:
    tools = [
        {
            "name": tool["function"]["name"],
            "description": tool["function"].get("description") or "",
            "input_schema": tool["function"].get("parameters") or {"type": "object"},
        }
        for tool in source.get("tools") or ()
    ]
    if not tools:
        return
    body["tools"] = tools
    wanted = source.get("tool_choice") or "auto"
    if isinstance(wanted, dict):
        choice = {"type": "tool", "name": wanted["function"]["name"]}
    else:
        choice = {"type": {"required": "any"}.get(wanted, wanted)}
    if source.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice = {**choice, "disable_parallel_tool_use": True}
    body["tool_choice"] = choice


def _set_answer_shape(body: dict[str, Any], source: Mapping[str, Any], system: list[str]) -> None:
    wanted = source.get("response_format") or {}
    if wanted.get("type") == "json_object":
        system.append(_JSON_INSTRUCTION)
    elif wanted.get("type") == "json_schema":
        schema = wanted["json_schema"].get("schema") or {"type": "object"}
        if body.get("tools") or schema.get("type") != "object":
            system.append(f"{_JSON_INSTRUCTION} Its schema: {orjson.dumps(schema).decode()}")
            return
        body["tools"] = [
            {
                "name": ANSWER_TOOL,
                "description": wanted["json_schema"].get("description") or "The answer.",
                "input_schema": schema,
            }
        ]
        body["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL}


def read_message(answer: Mapping[str, Any], *, shaped: bool) -> Completion:
    """What the API answered; `shaped` says that the answer was asked for as a tool's input.

    Raises:
        ProviderError: class `bad_response`, when the answer is not a message.
    """
    try:
        blocks = answer["content"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        calls = [block for block in blocks if block["type"] == "tool_use"]
        finish = _FINISH_REASONS.get(answer.get("stop_reason") or "end_turn", "stop")
        message: dict[str, Any] = {"role": "assistant", "content": text or None}
        if shaped and calls:
            message["content"] = orjson.dumps(calls[0]["input"]).decode()
            finish = "stop" if finish == "tool_calls" else finish
        elif calls:
            message["tool_calls"] = [_tool_call(block) for block in calls]
        return Completion(
            message=message,
            finish_reason=finish,
            usage=read_usage(answer.get("usage") or {}),
            response_model=answer.get("model"),
            response_id=answer.get("id"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ProviderError(
            ErrorClass.BAD_RESPONSE, f"the answer is not a message ({type(error).__name__})"
        ) from None


def _tool_call(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": block["id"],
        "type": "function",
        "function": {"name": block["name"], "arguments": orjson.dumps(block["input"]).decode()},
    }


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens in the port's meaning: the API's `input_tokens` leaves the cached ones out."""
    fresh = _count(usage.get("input_tokens"))
    read = _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens"))
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=_count(usage.get("output_tokens")),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
