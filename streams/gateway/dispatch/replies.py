"""Replies and parts of streamed answers, as a gateway reads them from its reply topic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from schemas.encoding.json_bounds import read_writable
from schemas.errors import UndecodableError
from schemas.gateway.headers import CALL_ID, SEQUENCE
from schemas.records import NANO, Failure, Reply, ReplyUsage, Routing

CORRELATION_ID = "correlation-id"

_LENIENT = ConfigDict(extra="ignore", strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart:
    """A part of a streamed answer: the call that it comes from, its number within the call, and a
    chat-completions delta (`content`, `tool_calls`, ...).
    """

    call_id: str
    sequence: int
    model: str
    delta: Mapping[str, Any]


@checked(frozen=True, kw_only=True, config=_LENIENT)
class _ReplyDocument:
    """A reply in JSON: cost in USD, the message an object; later versions may add fields."""

    request_id: str
    status: str
    latency_ms: float
    message: dict[str, Any] | None = None
    model: str | None = None
    provider: str | None = None
    call_id: str | None = None
    tier: str | None = None
    tiers_tried: tuple[str, ...] = ()
    confidence: float | None = None
    degraded: bool = False
    finish_reason: str | None = None
    usage: ReplyUsage | None = None
    cost_usd: float | None = None
    baseline_cost_usd: float | None = None
    routing: Routing | None = None
    error: Failure | None = None


_REPLY = TypeAdapter(_ReplyDocument)


def read_reply(value: bytes | None) -> Reply:
    """Return a worker's reply in JSON.

    Raises:
        UndecodableError: it is none.
    """
    try:
        found = _REPLY.validate_python(read_writable(value or b""))
    except (orjson.JSONDecodeError, ValidationError) as error:
        raise UndecodableError(f"not a reply: {type(error).__name__}") from None
    message = found.message
    return Reply(
        request_id=found.request_id,
        status=found.status,
        message=None if message is None else orjson.dumps(message).decode(),
        model=found.model,
        provider=found.provider,
        call_id=found.call_id,
        tier=found.tier,
        tiers_tried=found.tiers_tried,
        confidence=found.confidence,
        degraded=found.degraded,
        finish_reason=found.finish_reason,
        usage=found.usage,
        cost_nano=_nano(found.cost_usd),
        baseline_cost_nano=_nano(found.baseline_cost_usd),
        latency_ms=found.latency_ms,
        routing=found.routing,
        error=found.error,
    )


def _nano(usd: float | None) -> int | None:
    return None if usd is None else round(Decimal(str(usd)) * NANO)


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
