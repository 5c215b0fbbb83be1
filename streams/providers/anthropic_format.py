"""From OpenAI's chat format, which the contract speaks, to Anthropic's messages; pure.

Source: https://docs.anthropic.com/en/api/messages. What differs, and how it is met:

| OpenAI | Anthropic |
|---|---|
| system and developer turns, anywhere | `system`, in order (as Anthropic's own OpenAI door does) |
| neighbouring turns of one role | one turn; tool results stand first in a user turn |
| `response_format` json_schema of an object, no tools | one forced tool, its input is the answer |
| other JSON formats, or JSON beside tools | an instruction added to `system` |
| `max_tokens` optional | required: the call's limit, else `DEFAULT_MAX_TOKENS` |
| `temperature` 0..2 | cut to 1; `top_p` beside it is left out, newer models refuse both |
| `parallel_tool_calls: false` | `tool_choice.disable_parallel_tool_use` |
| `stop` | `stop_sequences`; those of white space only are refused there and left out |
| `safety_identifier` | `metadata.user_id` |
| `seed`, penalties, `logit_bias`, logprobs, `verbosity`, `reasoning_effort` | left out: unknown |

The forced tool is chosen over `output_config` because every model since Claude 3 obeys it; the
latter is refused by the older ones that cheap tiers use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from streams.providers.answers import Json, part, with_extra
from streams.providers.anthropic_turns import system_texts, turns
from streams.providers.base import ChatCall

ANSWER_TOOL = "json_answer"
"""Name of the tool whose input is the JSON answer."""

DEFAULT_MAX_TOKENS = 4_096

_JSON_ONLY = "Answer with a single JSON object and nothing else: no introduction, no code fence."
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only"}
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_TEMPERATURE_MAX = 1.0


def request_body(call: ChatCall) -> dict[str, Any]:
    """The body of one call.

    Raises:
        ProviderError: BAD_REQUEST; an image is of a kind that Anthropic does not read, or
            `extra_body` sets a field that is the call's own.
    """
    source = call.body
    extra = part(source, "extra_body")
    system = system_texts(source["messages"])
    instruction = _json_instruction(source)
    if instruction is not None:
        system.append(instruction)
    body: dict[str, Any] = {
        "model": call.model,
        "max_tokens": call.max_output_tokens
        or source.get("max_completion_tokens")
        or source.get("max_tokens")
        or DEFAULT_MAX_TOKENS,
        "messages": turns(source["messages"]),
    }
    if system:
        body["system"] = "\n\n".join(system)
    _sample(body, source, thinking="thinking" in extra)
    _offer_tools(body, source)
    if source.get("safety_identifier"):
        body["metadata"] = {"user_id": source["safety_identifier"]}
    if source.get("service_tier") in _SERVICE_TIERS:
        body["service_tier"] = _SERVICE_TIERS[source["service_tier"]]
    return with_extra(body, extra)


def wants_shape(source: Json) -> str | None:
    """How JSON is asked for: `tool` by the forced tool, `text` by instruction, else `None`."""
    wanted = part(source, "response_format")
    if wanted.get("type") not in {"json_object", "json_schema"}:
        return None
    # Extended thinking refuses a forced tool.
    by_tool = (
        wanted["type"] == "json_schema"
        and not source.get("tools")
        and "thinking" not in part(source, "extra_body")
        and _schema(wanted).get("type") == "object"
    )
    return "tool" if by_tool else "text"


def _schema(wanted: Json) -> Json:
    return part(part(wanted, "json_schema"), "schema")


def _json_instruction(source: Json) -> str | None:
    if wants_shape(source) != "text":
        return None
    wanted = part(source, "response_format")
    schema = _schema(wanted)
    if not schema:
        return _JSON_ONLY
    return (
        "Answer with JSON and nothing else: no introduction, no code fence. "
        f"It must match this JSON Schema:\n{orjson.dumps(schema).decode()}"
    )


def _sample(body: dict[str, Any], source: Json, *, thinking: bool) -> None:
    temperature, top_p, stop = (source.get(name) for name in ("temperature", "top_p", "stop"))
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
    if wants_shape(source) == "tool":
        shape = part(part(source, "response_format"), "json_schema")
        body["tools"] = [
            {
                "name": ANSWER_TOOL,
                "description": shape.get("description") or f"The answer: {shape.get('name')}.",
                "input_schema": shape["schema"],
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
    # A conversation in which tools were used must offer them, even if none may be called now.
    used = dict.fromkeys(
        call["function"]["name"]
        for message in source["messages"]
        for call in message.get("tool_calls") or ()
    )
    if used:
        body["tools"] = [_tool({"name": name}) for name in used]
        body["tool_choice"] = {"type": "none"}


def _tool(function: Json) -> dict[str, Any]:
    schema = dict(function.get("parameters") or {"properties": {}})
    tool: dict[str, Any] = {"name": function["name"], "input_schema": {"type": "object", **schema}}
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
        choice = {"type": "tool", "name": wanted["function"]["name"]}
    else:
        choice = {"type": _CHOICES[wanted or "auto"]}
    if single and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return choice
