"""Request of OpenAI's Responses, by way of a body of chat completions.

| Responses | chat completions |
|---|---|
| `instructions`, `input` | `messages`, see `input_items.py` |
| `tools`, `tool_choice` | functions, see `tools.py` |
| `text.format`, `text.verbosity` | `response_format`, `verbosity` |
| `max_output_tokens` | `max_completion_tokens` |
| `reasoning.effort` | `reasoning_effort`; `max` is `xhigh` |
| `store`, `background` | for the gateway |
| `include`, `truncation`, `max_tool_calls`, `top_logprobs`, `stream_options` | checked, without
    effect |

What needs conversations or other objects that the vendor stores is refused by name.

Source: https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import orjson

from schemas.encoding import exact_json
from streams.gateway.dialects.openai.request import parse_chat
from streams.gateway.dialects.parsed_request import (
    GRANTED_FIELDS,
    KEYED_FIELDS,
    NEVER,
    OPEN_FIELDS,
    ParsedRequest,
)
from streams.gateway.dialects.responses.field_checks import (
    as_object,
    choice,
    flag,
    number,
    refuse_others,
    required,
    shown,
    text,
    unknown,
    unsupported,
    whole,
    wrong_type,
)
from streams.gateway.dialects.responses.input_items import messages_of
from streams.gateway.dialects.responses.tools import echoed_tools, take_tools
from streams.gateway.errors import invalid

_REFUSED = {
    "previous_response_id": "no conversation is held here; send all of it as input",
    "conversation": "no conversation is held here; send all of it as input",
    "prompt": "prompt templates are not stored here; send instructions and input",
    "context_management": "contexts are not compacted here",
    "background_options": "not supported; set deadline_ms",
    "access_programs": "not supported",
    "image": "not supported",
}
_SAME = (
    *("user", "safety_identifier", "metadata", "temperature", "top_p", "service_tier"),
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "moderation"),
)
"""Fields with the same name and meaning in chat completions."""

_HANDLED = frozenset(
    {
        *("model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls"),
        *("text", "max_output_tokens", "reasoning", "store", "background", "stream"),
        *("stream_options", "include", "truncation", "max_tool_calls", "top_logprobs"),
        *_SAME,
    }
)
FIELDS = _HANDLED | OPEN_FIELDS | set(GRANTED_FIELDS)
"""Fields that a body may have, beside the vendor parameters that a model lists."""

_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SAME_EFFORT = {"max": "xhigh"}
_REASONING = frozenset({"effort", "summary", "generate_summary", "context", "mode"})
_TEXT = frozenset({"format", "verbosity"})
_FORMAT = ("name", "schema", "strict", "description")
MAX_ECHO_BYTES = 64 * 1024
"""Maximum size of what a response repeats of its request: it is held while the request waits."""

_MOST_TOKENS = 1_000_000
_MOST_LOGPROBS = 20
_MOST_COUNT = 2**31 - 1


def parse_response(body: Mapping[str, Any], extra_names: Collection[str]) -> ParsedRequest:
    """Return a request body as a request of the contract. `extra_names` are the vendor parameters
    that a model of the registry accepts.

    Raises:
        HttpError: 400; a field is missing, refused, or unknown.
    """
    given = {name: value for name, value in body.items() if value is not None}
    for name in given:
        if name in _REFUSED:
            raise unsupported(name, _REFUSED[name])
        if name in NEVER or name not in _HANDLED | OPEN_FIELDS | KEYED_FIELDS | set(extra_names):
            raise unknown(shown(name))
    if not text(given, "model", ""):
        raise invalid("Missing required parameter: 'model'.", param="model")
    chat: dict[str, Any] = {
        name: value
        for name, value in given.items()
        if name in _SAME or name == "model" or name not in _HANDLED
    }
    chat["messages"] = messages_of(required(given, "input", ""))
    if "instructions" in given:
        system = {"role": "system", "content": text(given, "instructions", "")}
        chat["messages"] = [system, *chat["messages"]]
    flag(given, "parallel_tool_calls", "")
    take_tools(given, chat)
    _take_text(given, chat)
    _take_reasoning(given, chat)
    if "max_output_tokens" in given:
        chat["max_completion_tokens"] = whole(given, "max_output_tokens", 1, _MOST_TOKENS)
    _check_options(given)
    stream, background = flag(given, "stream", ""), flag(given, "background", "")
    is_stored = flag(given, "store", "", absent=True)
    if background and not is_stored:
        raise invalid("background: needs store, which is true by default", param="store")
    return replace(
        parse_chat(chat, extra_names),
        stream=stream,
        background=background,
        is_stored=is_stored,
        echo=_bounded(_echo(given, background=background, is_stored=is_stored)),
    )


def _take_text(given: Mapping[str, Any], chat: dict[str, Any]) -> None:
    if "text" not in given:
        return
    fields = as_object(given["text"], "text")
    refuse_others(fields, _TEXT, "text")
    if "verbosity" in fields:
        chat["verbosity"] = choice(fields, "verbosity", "text", ("low", "medium", "high"))
    if "format" not in fields:
        return
    wanted = as_object(fields["format"], "text.format")
    kind = choice(wanted, "type", "text.format", ("text", "json_schema", "json_object"))
    if kind != "json_schema":
        refuse_others(wanted, {"type"}, "text.format")
        chat["response_format"] = {"type": kind}
        return
    refuse_others(wanted, {"type", *_FORMAT}, "text.format")
    text(wanted, "name", "text.format")
    as_object(required(wanted, "schema", "text.format"), "text.format.schema")
    schema = {name: wanted[name] for name in _FORMAT if name in wanted}
    chat["response_format"] = {"type": kind, "json_schema": schema}


def _take_reasoning(given: Mapping[str, Any], chat: dict[str, Any]) -> None:
    if "reasoning" not in given:
        return
    fields = as_object(given["reasoning"], "reasoning")
    refuse_others(fields, _REASONING, "reasoning")
    if "effort" in fields:
        effort = choice(fields, "effort", "reasoning", _EFFORTS)
        chat["reasoning_effort"] = _SAME_EFFORT.get(effort, effort)


def _check_options(given: Mapping[str, Any]) -> None:
    """Check the fields that only repeat, or have no effect."""
    if "temperature" in given:
        number(given, "temperature", 2)
    if "top_p" in given:
        number(given, "top_p", 1)
    if "top_logprobs" in given:
        whole(given, "top_logprobs", 0, _MOST_LOGPROBS)
    if "max_tool_calls" in given:
        whole(given, "max_tool_calls", 0, _MOST_COUNT)
    if "truncation" in given:
        choice(given, "truncation", "", ("auto", "disabled"))
    include = given.get("include", [])
    if not isinstance(include, list) or not all(isinstance(each, str) for each in include):
        raise wrong_type("include", "an array of strings")
    options = given.get("stream_options")
    if options is None:
        return
    refuse_others(as_object(options, "stream_options"), {"include_obfuscation"}, "stream_options")
    if given.get("stream") is not True:
        raise invalid("stream_options: only allowed when stream is true", param="stream_options")


def _echo(given: Mapping[str, Any], *, background: bool, is_stored: bool) -> dict[str, Any]:
    """Return what a response repeats of its request."""
    reasoning, written = given.get("reasoning") or {}, given.get("text") or {}
    effort = reasoning.get("effort")
    found = {
        "instructions": given.get("instructions"),
        "max_output_tokens": given.get("max_output_tokens"),
        "max_tool_calls": given.get("max_tool_calls"),
        "parallel_tool_calls": given.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {
            "effort": _SAME_EFFORT.get(effort, effort) if effort else None,
            "summary": reasoning.get("summary"),
        },
        "background": background,
        "store": is_stored,
        "temperature": given.get("temperature", 1.0),
        "text": {
            "format": written.get("format") or {"type": "text"},
            "verbosity": written.get("verbosity") or "medium",
        },
        "tool_choice": given.get("tool_choice", "auto"),
        "tools": echoed_tools(given),
        "top_logprobs": given.get("top_logprobs", 0),
        "top_p": given.get("top_p", 1.0),
        "truncation": "disabled",
        "metadata": given.get("metadata") or {},
    }
    named = {
        name: given[name]
        for name in ("user", "safety_identifier", "prompt_cache_key")
        if name in given
    }
    return {**found, **named}


def _bounded(echo: dict[str, Any]) -> dict[str, Any]:
    """Return what a response repeats, with plain numbers, and without texts, tools and schema if
    they are too large.
    """
    encoded = exact_json.dumps(echo)
    if len(encoded) <= MAX_ECHO_BYTES:
        plain: dict[str, Any] = orjson.loads(encoded)
        return plain
    form = echo["text"]["format"]
    short = {**form, "schema": {}} if "schema" in form else form
    return {
        **orjson.loads(encoded),
        "instructions": None,
        "tools": [],
        "tool_choice": "auto",
        "text": {**echo["text"], "format": short},
    }
