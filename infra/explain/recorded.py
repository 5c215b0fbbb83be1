"""Events of a request, and the recorded `inputs` of a decision, in any form. Pure.

They are JSON of any version of Sluice, or of another writer. Data of an unknown shape is kept as
text and shown as recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_writable
from streams.routing.decision_inputs import read_step
from streams.routing.decision_trace import Step

_SHOWN = 300
_END_OF_DATES_MS = 253_402_300_800_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """One step as recorded, and its value if the kind and the fields are known.

    `at` is broker time, ms; `call` is the id of the step's call.
    """

    document: Mapping[str, Any]
    known: Step | None

    @property
    def at(self) -> float | None:
        """Return the step's own time, ms, if it has one."""
        at = self.document.get("at")
        return None if at is None else float(at)

    @property
    def call(self) -> str | None:
        """Return the id of the step's call, if it is about one."""
        return self.document.get("call")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedHop:
    """One visit of a hop, with its steps in order."""

    hop: int
    steps: tuple[RecordedStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """The recorded inputs; `odd` is the text of everything that has another shape."""

    classify: Mapping[str, Any]
    hops: tuple[RecordedHop, ...]
    odd: tuple[str, ...]


def read_inputs(text: str) -> RecordedDecision:
    """Read stored decision inputs; empty text has none."""
    odd: list[str] = []
    document = _object(_parsed(text, odd), odd)
    hops = tuple(
        RecordedHop(hop=_number(hop.get("hop", 0), odd), steps=tuple(_steps(hop, odd)))
        for hop in _objects(document.get("hops", []), odd)
    )
    return RecordedDecision(
        classify=_object(document.get("classify", {}), odd), hops=hops, odd=tuple(odd)
    )


def as_text(value: Any) -> str:
    """Return a recorded value as text, at most 300 characters."""
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _parsed(text: str, odd: list[str]) -> Any:
    try:
        return read_writable(text or "{}")
    except orjson.JSONDecodeError:
        odd.append(as_text(text))
        return {}


def _steps(hop: Mapping[str, Any], odd: list[str]) -> Iterator[RecordedStep]:
    for step in _objects(hop.get("steps", []), odd):
        if isinstance(step.get("call", ""), str) and _is_time(step.get("at", 0)):
            yield RecordedStep(document=step, known=_known(step))
        else:
            odd.append(as_text(step))


def _known(step: Mapping[str, Any]) -> Step | None:
    try:
        return read_step(step)
    except ValueError:
        return None


def _is_time(value: Any) -> bool:
    """Return whether a value is milliseconds since 1970 in the range of dates."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event `at_ms` after the request was written.

    `hop` and `rank` order events in the same ms. `took_ms` and `cost` (USD) belong to calls;
    `costs` states that a cost of `None` is unknown rather than absent.
    """

    at_ms: float
    hop: int
    rank: int
    kind: str
    title: str
    details: tuple[str, ...] = ()
    took_ms: float | None = None
    cost: Decimal | None = None
    costs: bool = False
