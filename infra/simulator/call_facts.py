"""Facts of a call, common to both wire formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedCall:
    """A checked call.

    `prompt` is the text of the last user turn, `text` all text of the call (for token counts and
    the cache), `frame_tokens` the tokens of messages and pictures besides. `forced_tool` is a tool
    that must be called (`*`: any), `shape_tool` one that only gives the answer its JSON shape,
    `schema` the JSON Schema of the answer, empty for any object.
    """

    model: str
    prompt: str
    text: str
    frame_tokens: int
    max_tokens: int | None = None
    tools: Mapping[str, Json]
    forced_tool: str | None = None
    shape_tool: str | None = None
    schema: Json | None = None
    logprobs: bool = False
    top_logprobs: int = 0
    writes_cache: bool = False


class RequestRejectedError(Exception):
    """The real provider would answer 400 to this body; `param` is the invalid field."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


def need(fulfilled: object, message: str, param: str | None = None) -> None:
    """Reject the body unless a condition holds.

    Raises:
        RequestRejectedError: it does not hold.
    """
    if not fulfilled:
        raise RequestRejectedError(message, param)


def known_fields(document: Json, known: frozenset[str], place: str = "") -> None:
    """Reject a field that the provider does not know.

    Raises:
        RequestRejectedError: with the first one.
    """
    if not document.keys() <= known:
        name = sorted(document.keys() - known)[0]
        raise RequestRejectedError(
            f"Unrecognized request argument supplied: {place}{name}", place + name
        )


def in_range(body: Json, name: str, low: float, high: float) -> None:
    """Reject a number outside its range; absent and null are accepted.

    Raises:
        RequestRejectedError: the field is no number, or outside.
    """
    value = body.get(name)
    if value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    need(number and low <= value <= high, f"{name} must be a number in {low}..{high}", name)
