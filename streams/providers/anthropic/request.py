"""Conversion of OpenAI's chat format, used by the contract, to Anthropic's messages; pure.

Source: https://docs.anthropic.com/en/api/messages. Differences, and their handling:

| OpenAI | Anthropic |
|---|---|
| system and developer turns, anywhere | `system`, in order (as Anthropic's own OpenAI endpoint
    does) |
| adjacent turns of one role | one turn; tool results come first in a user turn |
| reasoning of earlier turns | `thinking_blocks` with their signatures, first in their turn |
| repeated tool-call ids | made distinct; Anthropic validates strictly |
| a tool's schema with alternatives at its top | rewritten as one object |
| `response_format` json_schema of an object, no tools | one forced tool, its input is the answer |
| other JSON formats, or JSON with tools | an instruction added to `system` |
| `max_tokens` optional | required: the call's limit, else `DEFAULT_MAX_TOKENS` |
| `temperature` 0..2 | capped at 1; `top_p` with it is dropped, newer models refuse both |
| `thinking` in `extra_body` | no sampling, no forced tool with it; its budget below the limit |
| `parallel_tool_calls: false` | `tool_choice.disable_parallel_tool_use` |
| `stop` | `stop_sequences`; those of white space only are refused there and dropped |
| `safety_identifier` | `metadata.user_id` |
| `seed`, penalties, `logit_bias`, logprobs, `verbosity`, `reasoning_effort` | dropped: unsupported
    |

A native body (`ChatCall.native`) of this format is sent as it is; see
`streams/providers/native_bodies.py`. If the model's limit cuts `max_tokens`, the thinking budget is
kept below it.

Parameters that the model refuses (`ChatCall.unsupported`) are dropped. The forced tool is preferred
to `output_config` because every model since Claude 3 supports it; the older models of cheap tiers
refuse the latter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.gateway.native_body import NativeDialect
from streams.providers.answer_fields import Json, json_text, part, with_extra
from streams.providers.anthropic.thinking import (
    extra_fields,
    fit_thinking,
    is_thinking,
    without_thinking,
)
from streams.providers.anthropic.turns import system_texts, tool_name, turns
from streams.providers.native_bodies import capped, native_body, prepared
from streams.providers.port import ChatCall
from streams.providers.tools.schemas import tool_schema

ANSWER_TOOL = "json_answer"
"""Name of the tool whose input is the JSON answer."""

DEFAULT_MAX_TOKENS = 4_096

_JSON_ONLY = "Answer with a single JSON object and nothing else: no introduction, no code fence."
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only"}
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_FORCED = frozenset({"any", "tool"})
_TEMPERATURE_MAX = 1.0


def request_body(call: ChatCall) -> dict[str, Any]:
    """Return the body of one call.

    Raises:
        ProviderError: BAD_REQUEST; an image has an unsupported type, or `extra_body` sets one of
            the
            call's own fields.
    """
    native = native_body(call, NativeDialect.ANTHROPIC_MESSAGES)
    if native is not None:
        return _native(native, call)
    source, refused = call.body, call.unsupported
    limit = (
        call.max_output_tokens
        or source.get("max_completion_tokens")
        or source.get("max_tokens")
        or DEFAULT_MAX_TOKENS
    )
    extra = extra_fields(source, limit, refused)
    thinking = is_thinking(extra)
    system = system_texts(source["messages"])
    instruction = _json_instruction(source)
    if instruction is not None:
        system.append(instruction)
    body: dict[str, Any] = {
        "model": call.model,
        "max_tokens": limit,
        "messages": turns(source["messages"], thinking="thinking_blocks" not in refused),
    }
    if system:
        body["system"] = "\n\n".join(system)
    _sample(body, source, refused, thinking=thinking)
    _offer_tools(body, source)
    choice = body.get("tool_choice")
    if choice is not None and "tool_choice" in refused:
        del body["tool_choice"]
    elif choice is not None and thinking and choice["type"] in _FORCED:
        body["tool_choice"] = {**choice, "type": "auto"}
        body["tool_choice"].pop("name", None)
    if source.get("safety_identifier") and "safety_identifier" not in refused:
        body["metadata"] = {"user_id": source["safety_identifier"]}
    if source.get("service_tier") in _SERVICE_TIERS and "service_tier" not in refused:
        body["service_tier"] = _SERVICE_TIERS[source["service_tier"]]
    if call.on_delta is not None:
        body["stream"] = True
    return with_extra(body, extra)


def _native(native: Json, call: ChatCall) -> dict[str, Any]:
    body = prepared(native, call)
    given = native.get("max_tokens")
    limit = capped(given, call.max_output_tokens)
    body["max_tokens"] = DEFAULT_MAX_TOKENS if limit is None else limit
    if given is not None and limit != given:
        fit_thinking(body)
    if "thinking_blocks" in call.unsupported and "messages" in body:
        body["messages"] = without_thinking(body["messages"])
    if call.on_delta is not None:
        body["stream"] = True
    return body


def requested_json(call: ChatCall) -> str | None:
    """Return how a call requests JSON of the adapter, as `requested_json_by`; a native body asks
    the model itself.
    """
    native = native_body(call, NativeDialect.ANTHROPIC_MESSAGES)
    return requested_json_by(call.body) if native is None else None


def requested_json_by(source: Json) -> str | None:
    """Return how JSON is requested: `tool` by the forced tool, `text` by instruction, else
    `None`.
    """
    wanted = part(source, "response_format")
    if wanted.get("type") not in {"json_object", "json_schema"}:
        return None
    # Extended thinking refuses a forced tool.
    by_tool = (
        wanted["type"] == "json_schema"
        and not source.get("tools")
        and not is_thinking(part(source, "extra_body"))
        and _schema(wanted).get("type") == "object"
    )
    return "tool" if by_tool else "text"


def _schema(wanted: Json) -> Json:
    return part(part(wanted, "json_schema"), "schema")


def _json_instruction(source: Json) -> str | None:
    if requested_json_by(source) != "text":
        return None
    wanted = part(source, "response_format")
    schema = _schema(wanted)
    if not schema:
        return _JSON_ONLY
    return (
        "Answer with JSON and nothing else: no introduction, no code fence. "
        f"It must match this JSON Schema:\n{json_text(schema)}"
    )


def _sample(body: dict[str, Any], source: Json, refused: frozenset[str], *, thinking: bool) -> None:
    temperature, top_p, stop = (
        None if name in refused else source.get(name) for name in ("temperature", "top_p", "stop")
    )
    if not thinking:
        if temperature is not None:
            body["temperature"] = min(temperature, _TEMPERATURE_MAX)
        elif top_p is not None:
            body["top_p"] = top_p
    sequences = [stop] if isinstance(stop, str) else stop or ()
    kept = [sequence for sequence in sequences if sequence.strip()]
    if kept:
        body["stop_sequences"] = kept


def _offer_tools(body: dict[str, Any], source: Json) -> None:
    if requested_json_by(source) == "tool":
        shape = part(part(source, "response_format"), "json_schema")
        body["tools"] = [
            {
                "name": ANSWER_TOOL,
                "description": shape.get("description") or f"The answer: {shape.get('name')}.",
                "input_schema": tool_schema(shape["schema"]),
            }
        ]
        body["tool_choice"] = {"type": "tool", "name": ANSWER_TOOL}
        return
    tools = [_tool(tool["function"]) for tool in source.get("tools") or ()]
    if tools:
        body["tools"] = tools
        choice = _choice(source)
        if choice is not None:
            body["tool_choice"] = choice
        return
    # A conversation with tool calls must declare the tools, even if no call is allowed now.
    used = dict.fromkeys(
        call["function"]["name"]
        for message in source["messages"]
        for call in message.get("tool_calls") or ()
    )
    if used:
        body["tools"] = [_tool({"name": name}) for name in used]
        body["tool_choice"] = {"type": "none"}


def _tool(function: Json) -> dict[str, Any]:
    tool: dict[str, Any] = {
        "name": tool_name(function["name"]),
        "input_schema": tool_schema(function.get("parameters")),
    }
    if function.get("description"):
        tool["description"] = function["description"]
    return tool


def _choice(source: Json) -> dict[str, Any] | None:
    wanted = source.get("tool_choice")
    single = source.get("parallel_tool_calls") is False
    if wanted is None and not single:
        return None
    choice: dict[str, Any]
    if isinstance(wanted, Mapping):
        choice = {"type": "tool", "name": tool_name(wanted["function"]["name"])}
    else:
        choice = {"type": _CHOICES[wanted or "auto"]}
    if single and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return choice
