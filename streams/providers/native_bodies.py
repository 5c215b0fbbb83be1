"""What a native body loses and gains before it is sent: the same for every dialect.

Everything else is sent unchanged, fields in the caller's order and numbers with their digits.

| field | handling |
|---|---|
| `model` | the call's |
| the limit of the answer | at most the call's; set if the caller set none |
| `stream`, `stream_options` | by whether the call is streamed |
| parameters that the model refuses (`ChatCall.unsupported`) | dropped |
| Sluice's own fields | dropped |
| null at the top, in tools, in OpenAI's messages (but for `content`) | dropped: vendors differ in
which they accept, and it says nothing |
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from schemas.chat import PASSED_ON, RequestDocument
from schemas.gateway.native_body import NATIVE, NativeDialect
from streams.providers.answer_fields import Json
from streams.providers.port import ChatCall
from streams.routing.parameters.extra_body import EXTRA_BODY

_OF_VENDORS = frozenset({"model", "user", "stream", "n", "metadata"})
_FROM_THE_GATEWAY = frozenset({"cache", "session_id"})
OWN_FIELDS = (
    frozenset(RequestDocument.model_fields) - PASSED_ON - _OF_VENDORS
    | _FROM_THE_GATEWAY
    | {EXTRA_BODY, NATIVE}
)
"""Fields of a request that are for Sluice."""

_SET_BY_THE_CALL = frozenset({"stream", "stream_options"})


def native_body(call: ChatCall, dialect: NativeDialect) -> Json | None:
    """Return the call's native body, if it has one of this dialect."""
    native = call.native
    return native.body if native is not None and native.dialect is dialect else None


def prepared(native: Json, call: ChatCall) -> dict[str, Any]:
    """Return a native body with the call's model, without what is never sent; its limit and its
    streaming are left to the dialect.
    """
    left_out = OWN_FIELDS | _SET_BY_THE_CALL | call.unsupported
    body = {
        name: value for name, value in native.items() if value is not None and name not in left_out
    }
    body["model"] = call.model
    tools = body.get("tools")
    if isinstance(tools, list):
        body["tools"] = [_without_null_fields(tool) for tool in tools]
    return body


def without_nulls(fields: Json, kept: Collection[str] = ()) -> Json:
    """Return the fields that are not null, and those of `kept`."""
    if None not in fields.values():
        return fields
    return {name: value for name, value in fields.items() if value is not None or name in kept}


def _without_null_fields(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    function = tool.get("function")
    if isinstance(function, dict) and None in function.values():
        tool = {**tool, "function": without_nulls(function)}
    return without_nulls(tool)


def capped(given: Any, most: int | None) -> Any:
    """Return the caller's limit, at most the call's; either may be missing."""
    if given is None or most is None:
        return most if given is None else given
    return min(given, most) if isinstance(given, int) else given
