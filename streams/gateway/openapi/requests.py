"""Schemas of request bodies. Fields of the vendors are listed by name; the vendors' references
describe them. A vendor parameter beyond these is accepted if a model of the registry lists it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.request import AUTO_MODEL, DEFAULT_DEADLINE_MS
from streams.gateway.dialects.anthropic.request import FIELDS as MESSAGES_FIELDS
from streams.gateway.dialects.openai.request import FIELDS as CHAT_FIELDS
from streams.gateway.dialects.parsed_request import GRANTED_FIELDS, OPEN_FIELDS
from streams.gateway.dialects.responses.request import FIELDS as RESPONSE_FIELDS
from streams.gateway.endpoints.feedback import FeedbackBody
from streams.gateway.openapi.shapes import (
    ANY,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    array_of,
    described,
    one_of,
    or_null,
    thing,
)

_MODEL = described(
    {"type": "string", "minLength": 1},
    f"`{AUTO_MODEL}` routes; a tier or a model of GET /v1/models pins; aliases map other names.",
)
_STREAM = or_null(described(FLAG, "Answer as server-sent events."))
_DEADLINE = described(
    {"type": "integer", "minimum": 1},
    f"Sluice: ms within which the answer is useful, {DEFAULT_DEADLINE_MS} by default.",
)
_OWN: dict[str, Schema] = {
    "deadline_ms": _DEADLINE,
    "quality": one_of("economy", "balanced", "best"),
    **dict.fromkeys(("feature", "tier", "user_id", "user_tier"), TEXT),
}
_CHAT: dict[str, Schema] = {
    "model": _MODEL,
    "messages": array_of(thing({"role": TEXT, "content": ANY}, optional=("content",))),
    "stream": _STREAM,
    "stream_options": or_null(thing({"include_usage": FLAG}, optional=("include_usage",))),
    "n": or_null(described({"type": "integer", "enum": [1]}, "One answer per request.")),
    "tools": or_null(array_of({"type": "object"})),
    "temperature": or_null(NUMBER),
    "top_p": or_null(NUMBER),
    "max_tokens": or_null(WHOLE),
    "max_completion_tokens": or_null(WHOLE),
}
_RESPONSE: dict[str, Schema] = {
    "model": _MODEL,
    "input": {"anyOf": [TEXT, array_of({"type": "object"})]},
    "instructions": or_null(TEXT),
    "stream": _STREAM,
    "background": or_null(described(FLAG, "Answer at once, and read the response later.")),
    "store": or_null(described(FLAG, "Keep the response for a day; the default.")),
    "tools": or_null(array_of({"type": "object"})),
    "temperature": or_null(NUMBER),
    "top_p": or_null(NUMBER),
    "max_output_tokens": or_null(WHOLE),
}
_MESSAGES: dict[str, Schema] = {
    "model": _MODEL,
    "messages": array_of(thing({"role": one_of("user", "assistant", "system"), "content": ANY})),
    "max_tokens": {"type": "integer", "minimum": 1},
    "stream": _STREAM,
    "system": or_null({"anyOf": [TEXT, array_of({"type": "object"})]}),
    "tools": or_null(array_of({"type": "object"})),
    "temperature": or_null(NUMBER),
    "top_p": or_null(NUMBER),
    "stop_sequences": or_null(array_of(TEXT)),
}


def request_schemas() -> dict[str, Schema]:
    """Return the schemas of request bodies by their name."""
    return {
        "ChatRequest": _body(CHAT_FIELDS, _CHAT, ("model", "messages")),
        "MessagesRequest": _body(MESSAGES_FIELDS, _MESSAGES, ("model", "messages", "max_tokens")),
        "ResponseRequest": _body(RESPONSE_FIELDS, _RESPONSE, ("model", "input")),
        "CountRequest": _body(MESSAGES_FIELDS, _MESSAGES, ("model", "messages")),
        "Feedback": FeedbackBody.model_json_schema(),
    }


def _body(names: Iterable[str], known: dict[str, Schema], required: tuple[str, ...]) -> Any:
    own = {*OPEN_FIELDS, *GRANTED_FIELDS}
    shown = {
        name: known.get(name) or (_own(name) if name in own else ANY) for name in sorted(names)
    }
    return {"type": "object", "required": list(required), "properties": shown}


def _own(name: str) -> Schema:
    needs_key = name not in OPEN_FIELDS
    schema = _OWN.get(name, ANY)
    return described(schema, "Sluice: a key must permit this field.") if needs_key else schema
