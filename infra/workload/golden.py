"""Reads golden sets: prompts with the tier at which a good answer is to be expected.

A golden set answers one question, whether a classifier sends prompts where they belong, without a
model being called. One ships with Sluice, `golden.jsonl`; users bring their own in the same form,
one JSON object a line:

    {"tier": "simple", "prompt": "What is the capital of France?"}
    {"id": "x-1", "tier": "complex", "category": "proof", "request": {"messages": [...]}}

`tier` is the lowest one at which a competent reviewer would expect a good answer, and is needed,
as is exactly one of `request` (as callers publish it) and `prompt`. `id` is `line-N` and `category`
is empty where the line names none. Blank lines are skipped.

What the shipped set promises: length does not give the tier away, and all texts are our own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import orjson

from infra.workload.sample import STRENGTHS
from schemas.errors import InvalidRequestError, SluiceError
from schemas.request import read_request

_FIELDS = ("id", "tier", "category", "request", "prompt")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHOWN_NAME = 64


class GoldenSetError(SluiceError):
    """A golden set cannot be used; the message names the line and the mend, and quotes no value.

    `line` counts from 1; `None` where the file as a whole is at fault.
    """

    def __init__(self, path: Path, what: str, *, line: int | None = None) -> None:
        place = f"{path}" if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {what}")
        self.path = path
        self.line = line


class _GoldenLineError(Exception):
    """What is wrong with a line, before file and line number are put to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenPrompt:
    """One prompt and where it belongs.

    `tier` is the lowest that suffices; `request` is a document that `read_request` accepts;
    `category` is the kind of work, for breakdowns, and may be empty.
    """

    id: str
    tier: str
    category: str
    request: Mapping[str, Any]

    @property
    def text(self) -> str:
        """All text that the model would see, turns parted by line breaks."""
        if "prompt" in self.request:
            return str(self.request["prompt"])
        return "\n".join(_text_of(turn.get("content")) for turn in self.request["messages"])


def golden_file() -> Path:
    """Where the shipped golden set lies."""
    return Path(str(resources.files("infra.workload").joinpath("golden.jsonl")))


def read_golden(path: Path, *, tiers: Sequence[str] = STRENGTHS) -> tuple[GoldenPrompt, ...]:
    """A user's golden set, each line checked, in file order.

    `tiers` are the names that a line may give, as the registry in use has them.

    Raises:
        GoldenSetError: the file cannot be read or is empty, or the first line at fault: not JSON,
            a field missing or unknown, a tier that is not among `tiers`, a request that callers
            may not send, an id that an earlier line has.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise GoldenSetError(path, f"cannot be read ({error.strerror}); check the path") from None
    lines_by_id: dict[str, int] = {}
    prompts: list[GoldenPrompt] = []
    for number, line in enumerate(content.removeprefix(_BYTE_ORDER_MARK).split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            prompt = _read_line(line, number=number, tiers=tiers)
        except _GoldenLineError as error:
            raise GoldenSetError(path, str(error), line=number) from None
        if (earlier := lines_by_id.setdefault(prompt.id, number)) != number:
            what = f"`id` is the same as in line {earlier}; give each line its own, or none"
            raise GoldenSetError(path, what, line=number)
        prompts.append(prompt)
    if not prompts:
        what = 'contains no prompts; write one per line, as {"tier": ..., "prompt": ...}'
        raise GoldenSetError(path, what)
    return tuple(prompts)


def _read_line(line: bytes, *, number: int, tiers: Sequence[str]) -> GoldenPrompt:
    """One line, or a `_GoldenLineError` whose text says what to do."""
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _GoldenLineError(
            f"is not JSON; write one complete JSON object per line ({error.msg})"
        ) from None
    if not isinstance(row, dict):
        raise _GoldenLineError(
            "is not a JSON object; write {...} with `tier` and `prompt` or `request`"
        )
    if unknown := [name for name in row if name not in _FIELDS]:
        shown = "".join(char if char.isprintable() else "?" for char in unknown[0][:_SHOWN_NAME])
        raise _GoldenLineError(f"`{shown}` is unknown; fields of a request belong inside `request`")
    return GoldenPrompt(
        id=_name(row, "id", default=f"line-{number}"),
        tier=_tier(row, tiers),
        category=_name(row, "category", default=""),
        request=_request(row),
    )


def _tier(row: Mapping[str, Any], tiers: Sequence[str]) -> str:
    allowed = ", ".join(tiers)
    if "tier" not in row:
        raise _GoldenLineError(f"`tier` is missing; give one of {allowed}")
    if row["tier"] not in tiers:
        raise _GoldenLineError(f"`tier` is unknown; give one of {allowed}")
    return str(row["tier"])


def _request(row: Mapping[str, Any]) -> Mapping[str, Any]:
    if "request" not in row and "prompt" not in row:
        raise _GoldenLineError("`request` is missing; give it, or `prompt` as shorthand")
    if "request" in row and "prompt" in row:
        raise _GoldenLineError("`request` and `prompt` are both set; give one of them")
    request = {"prompt": row["prompt"]} if "prompt" in row else row["request"]
    if not isinstance(request, dict):
        raise _GoldenLineError("`request` is not a JSON object; give it as callers publish it")
    try:
        read_request(request)
    except InvalidRequestError as error:
        raise _GoldenLineError(f"the request is invalid: {error}") from None
    return request


def _name(row: Mapping[str, Any], field: str, *, default: str) -> str:
    value = row.get(field, default)
    if not isinstance(value, str) or (field in row and not value):
        raise _GoldenLineError(f"`{field}` is not a text; give a short name, or leave it out")
    return value


def _text_of(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if part["type"] == "text")
    return content or ""
