"""Replies and parts of streamed answers, as a gateway reads them from its reply topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from schemas.encoding.json_bounds import read_writable
from schemas.errors import UndecodableError
from schemas.gateway.headers import CALL_ID, SEQUENCE
from schemas.records import Reply
from streams.client.caller import CORRELATION_ID
from streams.client.totals import nano_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart:
    """A part of a streamed answer: the call that it comes from, its number within the call, and a
    chat-completions delta (`content`, `tool_calls`, ...).
    """

    call_id: str
    sequence: int
    model: str
    delta: Mapping[str, Any]


_REPLY = TypeAdapter(Reply)
_DOCUMENT = TypeAdapter(dict[str, Any])
_MESSAGE = TypeAdapter(dict[str, Any] | None)
_USD = TypeAdapter(Annotated[float, Field(allow_inf_nan=False)] | None)


def read_reply(value: bytes | None) -> Reply:
    """Return a worker's reply in JSON: cost is in USD there, and the message an object. Later
    versions may add fields.

    Raises:
        UndecodableError: it is none.
    """
    try:
        found = _DOCUMENT.validate_python(read_writable(value or b""))
        message = _MESSAGE.validate_python(found.get("message"))
        costs = {
            f"{name}_nano": nano_of(_USD.validate_python(found.get(f"{name}_usd")))
            for name in ("cost", "baseline_cost")
        }
        encoded = None if message is None else orjson.dumps(message).decode()
        return _REPLY.validate_python({**found, **costs, "message": encoded})
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise UndecodableError(f"not a reply: {type(error).__name__}") from None


def correlation_of(headers: Iterable[tuple[str, bytes | None]]) -> bytes | None:
    """Return the correlation id of a record: the first header of that name."""
    return next((value for name, value in headers if name == CORRELATION_ID), None)


def read_part(
    headers: Iterable[tuple[str, bytes | None]], value: bytes | None
) -> AnswerPart | None:
    """Return a record's part of a streamed answer; `None` if the record is a whole reply.

    Raises:
        UndecodableError: it states that it is a part, and is none.
    """
    found = {name: text for name, text in headers if name in {CALL_ID, SEQUENCE} and text}
    if CALL_ID not in found:
        return None
    number = found.get(SEQUENCE, b"")
    try:
        document = read_writable(value or b"")
    except orjson.JSONDecodeError:
        document = None
    if not number.isdigit() or len(number) > 9 or not isinstance(document, dict):
        raise UndecodableError("not a part of an answer")
    model, delta = document.get("model"), document.get("delta")
    if not isinstance(model, str) or not isinstance(delta, dict):
        raise UndecodableError("not a part of an answer")
    return AnswerPart(
        call_id=found[CALL_ID].decode(errors="replace"),
        sequence=int(number),
        model=model,
        delta=delta,
    )
