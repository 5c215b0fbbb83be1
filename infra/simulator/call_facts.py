"""Facts of a call, common to both wire formats, and plausible token counts."""

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
    `schema` the JSON Schema of the answer, empty for any object. `thinks` requests thinking in the
    answer; `follows_tool`: the last turn holds the results of tools. `include_usage` and
    `include_obfuscation` are options of OpenAI's streams.
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
    thinks: bool = False
    follows_tool: bool = False
    stream: bool = False
    include_usage: bool = False
    include_obfuscation: bool = False


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


def within_bounds(body: Json, bounds: Mapping[str, tuple[float, float]]) -> None:
    """Reject a number outside its bounds; absent and null are accepted.

    Raises:
        RequestRejectedError: with the first one.
    """
    for name, (low, high) in bounds.items():
        value = body.get(name)
        need(value is None or low <= value <= high, f"{name} must be in {low}..{high}", name)


PER_MESSAGE = 4
"""Tokens of a message's frame."""

PER_IMAGE = 765
"""Tokens of a picture: OpenAI's figure for a square of 1024 pixels in high detail."""


def count_tokens(text: str) -> int:
    """Return the tokens of a text, at least one unless it is empty.

    Four characters a token for Latin text, and one and a half bytes more for each byte beyond
    ASCII: within some 20 % of the providers' own counts, which are not available here.
    """
    if text.isascii():
        return -(-len(text) // 4)
    beyond = len(text.encode()) - len(text)
    return -(-(len(text) * 3 + beyond * 2) // 12)
