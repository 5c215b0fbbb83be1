"""Conversion of the contract's request to OpenAI's chat-completions format; pure.

Source: https://platform.openai.com/docs/api-reference/chat. The contract uses this format, so most
fields are sent unchanged. Differences:

| field | handling |
|---|---|
| parameters that the model refuses (`ChatCall.unsupported`) | dropped |
| the limit of the answer | `max_completion_tokens` to OpenAI and Azure, else `max_tokens`; the
other name if the model refuses it |
| role `developer`, except for OpenAI and Azure | `system` |
| reasoning of earlier turns | dropped for OpenAI and Azure, which refuse it; kept for others |
| tool-call ids that repeat, or are long | made distinct |
| tools whose schema is no object at its top, for OpenAI and Azure | rewritten |
| schemas of tools and of the answer, for Google | rewritten in Google's subset |
| `tool_choice`, `parallel_tool_calls` without tools; `top_logprobs` alone | dropped, as refused |
| a native body (`ChatCall.native`) of this format, except for Google | sent as it is, see
`streams/providers/native_bodies.py`; of these rows only role `developer` holds for it |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from schemas.gateway.native_body import NATIVE, NativeDialect
from streams.providers.answer_fields import Json, with_extra
from streams.providers.native_bodies import capped, native_body, prepared, without_nulls
from streams.providers.port import ChatCall
from streams.providers.tools.call_ids import with_distinct_ids
from streams.providers.tools.gemini_schemas import gemini_schema
from streams.providers.tools.schemas import needs_rewriting, tool_schema
from streams.routing.parameters.optional_parameters import TURN_FIELDS


class Dialect(Enum):
    """Dialect of the format at an endpoint."""

    OPENAI = "openai"
    """OpenAI itself, or Azure."""
    GOOGLE = "google"
    """Gemini and Vertex AI behind their compatible endpoints."""
    COMPATIBLE = "compatible"
    """Any other server."""


_OURS = frozenset({"extra_body", NATIVE, "max_tokens", "max_completion_tokens"})
_LIMITS = ("max_completion_tokens", "max_tokens")
_THINKING = frozenset({"thinking", "redacted_thinking"})
_CALL_FIELDS = ("extra_content", "thought_signature")
_NULL_MATTERS = frozenset({"content"})
_STREAMED: Mapping[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def request_body(call: ChatCall, dialect: Dialect) -> dict[str, Any]:
    """Return the body of one call.

    Raises:
        ProviderError: INVALID_REQUEST; `extra_body` sets one of the call's own fields.
    """
    genuine = dialect is Dialect.OPENAI
    native = sent_unchanged(call, dialect)
    if native is not None:
        return _native(native, call, genuine=genuine)
    source, refused = call.body, call.unsupported
    left_out = _OURS | refused
    body = {name: value for name, value in source.items() if name not in left_out}
    body["model"] = call.model
    limit = (
        call.max_output_tokens or source.get("max_completion_tokens") or source.get("max_tokens")
    )
    named = _limit_name(refused, genuine=genuine)
    if limit is not None and named is not None:
        body[named] = limit
    body["messages"] = _turns(source["messages"], refused, genuine=genuine)
    _mend_combinations(body)
    if body.get("tools"):
        body["tools"] = [_tool(tool, dialect) for tool in body["tools"]]
    if dialect is Dialect.GOOGLE:
        _mend_answer_schema(body)
    extra = source.get("extra_body")
    if isinstance(extra, Mapping):
        extra = {name: value for name, value in extra.items() if name not in refused}
    if call.on_delta is not None:
        body.update(_STREAMED)
    return with_extra(body, extra)


def sent_unchanged(call: ChatCall, dialect: Dialect) -> Json | None:
    """Return the native body that is sent instead of the contract's. Google's endpoints refuse much
    of OpenAI's format, so they get the converted one.
    """
    if dialect is Dialect.GOOGLE:
        return None
    return native_body(call, NativeDialect.OPENAI_CHAT)


def _native(native: Json, call: ChatCall, *, genuine: bool) -> dict[str, Any]:
    refused, most = call.unsupported, call.max_output_tokens
    body = prepared(native, call)
    given = [name for name in _LIMITS if native.get(name) is not None]
    for name in given:
        if name in body:
            body[name] = capped(body[name], most)
    if not any(name in body for name in _LIMITS):
        limit = capped(native[given[0]], most) if given else most
        named = _limit_name(refused, genuine=genuine)
        if limit is not None and named is not None:
            body[named] = limit
    dropped = TURN_FIELDS & refused
    turns = body.get("messages")
    if isinstance(turns, list):
        body["messages"] = [_native_turn(turn, dropped, genuine=genuine) for turn in turns]
    extra = call.body.get("extra_body") if native.get("extra_body") else None
    if isinstance(extra, Mapping):
        extra = {name: value for name, value in extra.items() if name not in refused}
    if call.on_delta is not None:
        options = native.get("stream_options")
        body.update(_STREAMED)
        if isinstance(options, Mapping):
            body["stream_options"] = {**options, **_STREAMED["stream_options"]}
    return with_extra(body, extra)


def _native_turn(turn: Json, dropped: frozenset[str], *, genuine: bool) -> Json:
    turn = without_nulls(turn, _NULL_MATTERS)
    if turn.get("role") == "developer" and not genuine:
        # A role that only OpenAI knows; other servers refuse it, or leave the turn out.
        return {**turn, "role": "system"}
    if dropped.isdisjoint(turn):
        return turn
    return {name: value for name, value in turn.items() if name not in dropped}


def _limit_name(refused: frozenset[str], *, genuine: bool) -> str | None:
    names = _LIMITS if genuine else reversed(_LIMITS)
    return next((name for name in names if name not in refused), None)


def _mend_combinations(body: dict[str, Any]) -> None:
    """Remove combinations that OpenAI refuses, in place."""
    if not body.get("tools"):
        body.pop("tool_choice", None)
        body.pop("parallel_tool_calls", None)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        # Zero alternatives request nothing.
        if body["top_logprobs"]:
            body["logprobs"] = True
        else:
            del body["top_logprobs"]


def _tool(tool: Json, dialect: Dialect) -> Json:
    function = tool["function"]
    parameters = function.get("parameters")
    if parameters is None or dialect is Dialect.COMPATIBLE:
        return tool
    if dialect is Dialect.OPENAI and not needs_rewriting(parameters):
        return tool
    # Strict mode accepts only complete schemas; a rewritten one is less specific.
    kept = {name: value for name, value in function.items() if name not in _REWRITTEN}
    wanted = tool_schema(parameters)
    if dialect is Dialect.GOOGLE:
        wanted = gemini_schema(wanted)
        if not wanted.get("properties"):
            # Google refuses an object without properties.
            return {**tool, "function": kept}
    return {**tool, "function": {**kept, "parameters": wanted}}


def _mend_answer_schema(body: dict[str, Any]) -> None:
    """Rewrite the form of the answer for Google, in place."""
    wanted = body.get("response_format")
    described = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    if isinstance(wanted, Mapping) and isinstance(described, Mapping) and "schema" in described:
        schema = gemini_schema(described["schema"])
        body["response_format"] = {**wanted, "json_schema": {**described, "schema": schema}}


def _turns(messages: Sequence[Json], refused: frozenset[str], *, genuine: bool) -> list[Json]:
    dropped = TURN_FIELDS if genuine else TURN_FIELDS & refused
    if any(message.get("tool_calls") or message.get("tool_call_id") for message in messages):
        messages = with_distinct_ids(messages)
    return [_turn(message, dropped, genuine=genuine) for message in messages]


def _turn(message: Json, dropped: frozenset[str], *, genuine: bool) -> Json:
    if message["role"] == "developer" and not genuine:
        return {**message, "role": "system"}
    if message["role"] != "assistant":
        return message
    turn = {name: value for name, value in message.items() if name not in dropped}
    if genuine and isinstance(turn.get("content"), list):
        turn["content"] = _without_thinking(turn["content"])
    if turn.get("content") is None and not (turn.get("tool_calls") or turn.get("refusal")):
        # A turn with reasoning only.
        turn["content"] = ""
    if turn.get("tool_calls") and "extra_content" in dropped:
        turn["tool_calls"] = [_plain_call(call) for call in turn["tool_calls"]]
    return turn


def _without_thinking(parts: Sequence[Json]) -> list[Json] | None:
    return [part for part in parts if part["type"] not in _THINKING] or None


def _plain_call(call: Json) -> Json:
    plain = {name: value for name, value in call.items() if name not in _CALL_FIELDS}
    function = call["function"]
    plain["function"] = {name: value for name, value in function.items() if name in _FUNCTION}
    return plain


_FUNCTION = frozenset({"name", "arguments"})
_REWRITTEN = frozenset({"strict", "parameters"})
