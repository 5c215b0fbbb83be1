"""Records of a reply topic: the correlation id, and parts of streamed answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.callers.headers import CORRELATION_ID
from schemas.encoding.json_bounds import read_writable
from schemas.errors import UndecodableError
from schemas.gateway.headers import CALL_ID, SEQUENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPart:
    """A part of a streamed answer: the call that it comes from, its number within the call, and a
    chat-completions delta (`content`, `tool_calls`, ...).
    """

    call_id: str
    sequence: int
    model: str
    delta: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Return the text of the answer in this part; empty for reasoning and tool calls."""
        found: str = self.delta.get("content") or ""
        return found


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
