"""A request in the pipeline, and its parser for published messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.chat import RequestDocument, model_body
from schemas.encoding import exact_json
from schemas.encoding.field_messages import JSON_KINDS, field_errors, field_message
from schemas.encoding.json_bounds import crowd_in
from schemas.encoding.nesting import MAX_CONTAINERS, MAX_VALUES, overgrown
from schemas.errors import InvalidRequestError
from schemas.identity import DEFAULT_TENANT, NAME, REQUEST_ID

DEFAULT_DEADLINE_MS = 10 * 60 * 1000
AUTO_MODEL = "auto"

_SHOWN_FAULTS = 5
_SHOWN_NAME = 64
_REFUSED_BY_NAME = {"stream": "streaming is not supported", "n": "only one answer per request"}
_PATTERNS = {
    f"^{REQUEST_ID.pattern}$": "expected 1 to 128 letters, digits and . _ : -",
    f"^{NAME.pattern}$": "expected 1 to 64 letters, digits and . _ : -",
    r"^[A-Za-z0-9_-]{1,64}$": "expected 1 to 64 letters, digits, _ and -",
    r"^(https://|data:image/)": "expected a URL https://... or data:image/...",
}
"""Messages for the regular expressions of `RequestDocument`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A valid request.

    `body` is the OpenAI chat-completions body without Sluice's fields; `model` is a pinned model or
    `None`; `deadline_ms` counts from the broker's timestamp.
    """

    request_id: str | None
    tenant: str
    body: Mapping[str, Any]
    model: str | None = None
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    quality: str | None = None
    tier: str | None = None
    retrieval_scores: tuple[float, ...] = ()
    retrieval_query_type: str | None = None
    deadline_ms: int = DEFAULT_DEADLINE_MS
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedIdentity:
    """Identity stated by a rejected request, as far as it is readable."""

    request_id: str | None
    tenant: str


def read_request(document: dict[str, Any]) -> Request:
    """Validate a decoded document and split it into its parts.

    Raises:
        InvalidRequestError: a field is missing, unknown or has an invalid value; the message names
            the field and quotes no value.
    """
    too_much = overgrown(document)
    if too_much is not None:
        name, what = too_much
        raise InvalidRequestError(f"{'request' if name is None else _printable(name)}: {what}")
    try:
        checked = RequestDocument.model_validate(document)
    except ValidationError as error:
        raise InvalidRequestError(_faults(error, document)) from None
    retrieval = checked.retrieval
    return Request(
        request_id=checked.request_id,
        tenant=checked.tenant or DEFAULT_TENANT,
        body=model_body(checked),
        model=None if checked.model == AUTO_MODEL else checked.model,
        user_id=checked.user_id or checked.user,
        user_tier=checked.user_tier,
        feature=checked.feature,
        quality=checked.quality,
        tier=checked.tier,
        retrieval_scores=tuple(retrieval.scores) if retrieval else (),
        retrieval_query_type=retrieval.query_type if retrieval else None,
        deadline_ms=checked.deadline_ms or DEFAULT_DEADLINE_MS,
        metadata=checked.metadata or {},
    )


def read_claim(document: Mapping[str, Any]) -> ClaimedIdentity:
    """Return the identity stated in the document, as far as the two fields are valid."""
    request_id = document.get("request_id")
    tenant = document.get("tenant")
    named = isinstance(request_id, str) and REQUEST_ID.fullmatch(request_id)
    owned = isinstance(tenant, str) and NAME.fullmatch(tenant)
    return ClaimedIdentity(
        request_id=str(request_id) if named else None,
        tenant=str(tenant) if owned else DEFAULT_TENANT,
    )


def _faults(error: ValidationError, document: Mapping[str, Any]) -> str:
    found = [(_place(item, document), item) for item in field_errors(error)]
    above = {place[:size] for place, _ in found for size in range(len(place))}
    deepest = [_fault(place, item) for place, item in found if place not in above]
    faults = list(dict.fromkeys(deepest))
    more = len(faults) - _SHOWN_FAULTS
    return "; ".join(faults[:_SHOWN_FAULTS]) + (f"; and {more} more" if more > 0 else "")


def _place(item: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[int | str, ...]:
    """Return the path of an error in the document, without pydantic's names for union members."""
    place: list[int | str] = []
    value: Any = document
    last = len(item["loc"]) - 1
    for number, part in enumerate(item["loc"]):
        if _holds(value, part):
            value = value[part]
        elif not (item["type"] == "missing" and number == last):
            continue
        place.append(part)
    return tuple(place)


def _holds(value: Any, part: int | str) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)


def _fault(place: tuple[int | str, ...], item: Mapping[str, Any]) -> str:
    path = ".".join(_printable(part) for part in place) or "request"
    first = place[0] if place else None
    if first in _REFUSED_BY_NAME:
        return f"{path}: refused, {_REFUSED_BY_NAME[str(first)]}"
    if item["type"] == "extra_forbidden":
        return f"{path}: unknown field"
    if item["type"] in {"union_tag_invalid", "union_tag_not_found"}:
        return f"{path}: unknown type"
    return f"{path}: {field_message(item, _PATTERNS, JSON_KINDS)}"


def _printable(part: int | str) -> str:
    text = str(part)
    clean = "".join(char if char.isprintable() else "?" for char in text[:_SHOWN_NAME])
    return clean + ("…" if len(text) > _SHOWN_NAME else "")


def request_document(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON document of a decoded Avro `Request` record.

    Raises:
        InvalidRequestError: a field with JSON text is not valid JSON.
    """
    document = {name: value for name, value in record.items() if value is not None}
    if "messages" in document:
        document["messages"] = [_message(message) for message in document["messages"]]
    if "tools" in document:
        document["tools"] = [
            {"type": "function", "function": _filled(tool, json_fields=("parameters",))}
            for tool in document["tools"]
        ]
    for name in ("response_format", "extra_body", "native"):
        if name in document:
            document[name] = _json(name, document[name])
    choice = document.get("tool_choice")
    if isinstance(choice, str) and choice.startswith("{"):
        document["tool_choice"] = _json("tool_choice", choice)
    if "retrieval" in document:
        document["retrieval"] = _filled(document["retrieval"])
    return document


def _message(record: Mapping[str, Any]) -> dict[str, Any]:
    message = _filled(record)
    if "turn" in message:
        return _turn(message)
    if isinstance(message.get("content"), list):
        message["content"] = [_part(part) for part in message["content"]]
    if "tool_calls" in message:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in message["tool_calls"]
        ]
    return message


def _turn(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return an earlier answer in the form of the reply's `message`."""
    turn = _json("messages.turn", message["turn"])
    if not isinstance(turn, dict):
        raise InvalidRequestError("messages.turn: expected a JSON object")
    if message.keys() != {"role", "turn"} or turn.get("role", "assistant") != message["role"]:
        raise InvalidRequestError("messages.turn: allows no other field but its own role")
    return {"role": message["role"], **turn}


def _part(record: Mapping[str, Any]) -> dict[str, Any]:
    part = _filled(record)
    if "image_url" in part:
        part["image_url"] = _filled(part["image_url"])
    if part["type"] == "refusal":
        part["refusal"] = part.pop("text", "")
    return part


def _filled(record: Mapping[str, Any], json_fields: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        name: _json(name, value) if name in json_fields else value
        for name, value in record.items()
        if value is not None
    }


def _json(name: str, text: str) -> Any:
    crowd = crowd_in(text.encode("utf-8", "surrogatepass"), MAX_VALUES, MAX_CONTAINERS)
    if crowd is not None:
        raise InvalidRequestError(f"{name}: {crowd}")
    try:
        return exact_json.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidRequestError(f"{name}: invalid JSON") from None
