"""A reply in JSON: cost in USD, message and log probabilities as objects. Written by workers, read
by every caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from schemas.encoding.avro_mapping import as_record
from schemas.encoding.json_bounds import read_writable
from schemas.errors import UndecodableError
from schemas.journal_headers import JournalKind
from schemas.records import NANO, Reply

_LARGEST = 1e12
"""The maximum of milliseconds, or USD, of one reply: larger numbers could not be summed."""

_COSTS = ("cost", "baseline_cost")

_REPLY = TypeAdapter(Reply)
_DOCUMENT = TypeAdapter(dict[str, Any])
_MESSAGE = TypeAdapter(dict[str, Any] | None)
_AMOUNT = TypeAdapter(
    Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-_LARGEST, le=_LARGEST)] | None
)


def nano_of(usd: float | None) -> int | None:
    """Return the nano-USD of a reply's USD; the double is the nearest to nine decimal digits."""
    return None if usd is None else round(Decimal(str(usd)) * NANO)


def encode_reply(reply: Reply) -> bytes:
    """Return a reply in JSON."""
    record = as_record(reply)
    message = record["message"]
    record["message"] = None if message is None else orjson.Fragment(message)
    if record["logprobs"] is not None:
        record["logprobs"] = orjson.Fragment(record["logprobs"])
    for name in _COSTS:
        # The nearest double prints nine exact digits below a million USD.
        nano = record.pop(f"{name}_nano")
        record[f"{name}_usd"] = None if nano is None else nano / NANO
    return orjson.dumps(record)


def reply_document(reply: Reply) -> dict[str, Any]:
    """Return a reply as the document that its JSON holds."""
    document: dict[str, Any] = orjson.loads(encode_reply(reply))
    return document


def read_reply(value: bytes | None) -> Reply:
    """Return a reply of a worker. Later versions may add fields, which are left out.

    Raises:
        UndecodableError: it is none, or its numbers or message can't be used.
    """
    try:
        found = _DOCUMENT.validate_python(read_writable(value or b""))
        message = _MESSAGE.validate_python(found.get("message"))
        _AMOUNT.validate_python(found.get("latency_ms"))
        costs = {
            f"{name}_nano": nano_of(_AMOUNT.validate_python(found.get(f"{name}_usd")))
            for name in _COSTS
        }
        objects = {"message": message, "logprobs": _MESSAGE.validate_python(found.get("logprobs"))}
        texts = {
            name: None if value is None else orjson.dumps(value).decode()
            for name, value in objects.items()
        }
        reply = _REPLY.validate_python({**found, **costs, **texts})
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise UndecodableError(f"not a reply: {type(error).__name__}") from None
    if reply.status != JournalKind.REPLIED and reply.error is None:
        raise UndecodableError("not a reply: neither an answer nor an error")
    if not _is_message(message or {}):
        raise UndecodableError("not a reply: its tool calls have no function with arguments")
    return reply


def _is_message(message: Mapping[str, Any]) -> bool:
    """Return whether a message's tool calls name functions and arguments."""
    calls = message.get("tool_calls")
    return calls is None or (
        isinstance(calls, list)
        and all(
            isinstance(call, dict)
            and isinstance(function := call.get("function"), dict)
            and isinstance(function.get("name"), str)
            and isinstance(function.get("arguments"), str)
            for call in calls
        )
    )
