"""Faults that are switched while the simulator runs.

| kind | what the caller sees |
|---|---|
| `status` | `status` (default 500), with `retry_after_s` if set |
| `rate_limit` | 429 with Retry-After (default 1 s) |
| `overloaded` | 503 or, in Anthropic's format, 529 |
| `content_filter`, `context_length` | the provider's own 400 for it |
| `hang` | nothing, until the caller leaves |
| `slow` | the answer, `delay_ms` later (default 1,000) |
| `cut` | the first half of the answer, then the end of the connection |
| `disconnect` | the end of the connection, without an answer |
| `bad_json` | 200, and text that is no JSON |
| `giant` | 200, and a body of `bytes` (default 3 MiB) |
| `redirect` | 307 to another address |
| `stall` | the first half of the answer, then nothing, until the caller leaves |
| `error_event` | the first half of a stream, then an error event; `overloaded` without a stream |

A streamed answer is cut, stalled or spoilt in the middle of its pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from infra.simulator.draws import Chance

EVERY_MODEL = "*"

KINDS = frozenset(
    {
        "status",
        "rate_limit",
        "overloaded",
        "content_filter",
        "context_length",
        "hang",
        "slow",
        "cut",
        "disconnect",
        "bad_json",
        "giant",
        "redirect",
        "stall",
        "error_event",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedFault:
    """A fault for a model (`*`: all), for a share `rate` of its calls.

    `times` limits its total number. Delays are in ms, `retry_after_s` in seconds.
    """

    kind: str
    model: str = EVERY_MODEL
    rate: float = 1.0
    times: int | None = None
    status: int = 500
    retry_after_s: float | None = None
    delay_ms: float = 1_000.0
    bytes: int = 3 * 1024 * 1024


_FIELDS = {field.name for field in fields(InjectedFault)}
_TEXT = frozenset({"kind", "model"})
_WHOLE = frozenset({"times", "status", "bytes"})


def fault_from(document: Mapping[str, Any]) -> InjectedFault:
    """Return a fault from its JSON form.

    Raises:
        ValueError: the kind or a field is unknown, or a number is out of range.
        TypeError: the model is no name.
    """
    unknown = sorted(document.keys() - _FIELDS)
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)}")
    if document.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    for name, value in document.items():
        if name not in _TEXT and value is not None and not _is_number(value, whole=name in _WHOLE):
            raise ValueError(f"{name} must be a {'whole ' if name in _WHOLE else ''}number >= 0")
    if not isinstance(document.get("model", EVERY_MODEL), str):
        raise TypeError("model must be a name, or * for all")
    fault = InjectedFault(**{name: value for name, value in document.items() if value is not None})
    if fault.rate > 1 or not 300 <= fault.status <= 599:
        raise ValueError("rate must be within 0..1, status within 300..599")
    return fault


def _is_number(value: Any, *, whole: bool) -> bool:
    kinds = int if whole else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and value >= 0


class FaultTable:
    """The active faults; the first that applies to a call is its fault."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._faults: list[InjectedFault] = []
        self._struck: list[int] = []

    @property
    def faults(self) -> tuple[InjectedFault, ...]:
        """Return the active faults, in order."""
        return tuple(self._faults)

    def replace(self, faults: Iterable[InjectedFault]) -> None:
        """Set the active faults; none disables all."""
        self._faults = list(faults)
        self._struck = [0] * len(self._faults)

    def strike(self, model: str, call_id: str) -> InjectedFault | None:
        """Return the fault of this call, if it has one."""
        for number, fault in enumerate(self._faults):
            if fault.model not in {EVERY_MODEL, model}:
                continue
            if fault.times is not None and self._struck[number] >= fault.times:
                continue
            if fault.rate < 1 and self._chance.draw(f"fault {number}", call_id) >= fault.rate:
                continue
            self._struck[number] += 1
            return fault
        return None
