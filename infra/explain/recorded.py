"""The recorded `inputs` of a decision, whatever is stored there. Pure.

They are JSON of any version of Sluice, or of whoever wrote the row. What has not the shape that is
known is kept as text, so that it is shown as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_writable

_SHOWN = 300
_END_OF_DATES_MS = 253_402_300_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """What was recorded: `hops` have a whole `hop` and `steps` that are objects; `odd` is the text
    of what is of another shape.
    """

    classify: Mapping[str, Any]
    hops: tuple[dict[str, Any], ...]
    odd: tuple[str, ...]


def read_inputs(text: str) -> RecordedDecision:
    """Read what is stored as a decision's inputs; empty text is nothing."""
    odd: list[str] = []
    document = _object(_parsed(text, odd), odd)
    hops = tuple(
        {**hop, "hop": _number(hop.get("hop", 0), odd), "steps": list(_steps(hop, odd))}
        for hop in _objects(document.get("hops", []), odd)
    )
    return RecordedDecision(
        classify=_object(document.get("classify", {}), odd), hops=hops, odd=tuple(odd)
    )


def as_text(value: Any) -> str:
    """A recorded value as it stands, at most 300 characters."""
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _parsed(text: str, odd: list[str]) -> Any:
    try:
        return read_writable(text or "{}")
    except orjson.JSONDecodeError:
        odd.append(as_text(text))
        return {}


def _steps(hop: Mapping[str, Any], odd: list[str]) -> Iterator[dict[str, Any]]:
    for step in _objects(hop.get("steps", []), odd):
        if isinstance(step.get("call", ""), str) and _is_time(step.get("at", 0)):
            yield step
        else:
            odd.append(as_text(step))


def _is_time(value: Any) -> bool:
    """Milliseconds since 1970, in the range of dates."""
    return isinstance(value, int | float) and 0 <= value < _END_OF_DATES_MS


def _number(value: Any, odd: list[str]) -> int:
    if isinstance(value, int):
        return value
    odd.append(as_text(value))
    return 0


def _objects(value: Any, odd: list[str]) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list):
        odd.append(as_text(value))
        return
    for each in value:
        if isinstance(each, dict):
            yield each
        else:
            odd.append(as_text(each))


def _object(value: Any, odd: list[str]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    odd.append(as_text(value))
    return {}
