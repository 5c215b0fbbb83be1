"""The simulator's ledger: each call at its start and its end, on disk before the response.

Lines are JSON and only appended, each by one `write`: an answered call is in the file even if the
process is killed at once. Sluice's accounting is reconciled against it, so it shares no code and no
file with Sluice.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

Line = dict[str, Any]

_APPEND = os.O_RDWR | os.O_CREAT | os.O_APPEND


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCall:
    """Usage of a call: tokens (`input` without the cached ones) and its cost in nano-USD."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    cost_nano: int | None = 0


NOTHING = ServedCall()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A call at its start."""

    number: int
    call_id: str | None
    endpoint: str
    model: str | None


class Ledger:
    """The ledger in a file, or in memory without one. `now_ms` is Unix time in ms."""

    def __init__(self, path: Path | None, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._kept: list[bytes] = []
        self._path = path
        self._file: int | None = None
        self._arrived = 0
        self._ended = 0
        self._sums: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._models: dict[str, Counter[str]] = {}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, _APPEND, 0o644)
            self._resume(path)

    def _resume(self, path: Path) -> None:
        """Count lines of an earlier process; terminate a line that its kill truncated."""
        content = path.read_bytes()
        for raw in content.splitlines():
            line = _line(raw)
            if line is not None:
                self._count(line)
        if content and not content.endswith(b"\n"):
            self._write(b"\n")

    def arrived(self, call_id: str | None, endpoint: str, model: str | None) -> Arrival:
        """Record the start of a call."""
        arrival = Arrival(number=self._arrived + 1, call_id=call_id, endpoint=endpoint, model=model)
        self._book({"event": "arrived", **_names(arrival), "at": self._now_ms()})
        return arrival

    def ended(
        self,
        arrival: Arrival,
        *,
        status: int | None,
        served: ServedCall = NOTHING,
        fault: str | None = None,
        source: str | None = None,
        client: bool = True,
    ) -> None:
        """Record its end: `status` is `None` if nothing was sent, `client` says whether the caller
        was still connected.
        """
        self._book(
            {
                "event": "ended",
                **_names(arrival),
                "at": self._now_ms(),
                "status": status,
                "fault": fault,
                "source": source,
                "input_tokens": served.input + served.cache_read + served.cache_write,
                "output_tokens": served.output,
                "cache_read_tokens": served.cache_read,
                "cache_write_tokens": served.cache_write,
                "reasoning_tokens": served.reasoning,
                "cost_nano": served.cost_nano,
                "client": client,
            }
        )

    def totals(self) -> dict[str, Any]:
        """Return sums over all lines, kept while they are written.

        `open` calls have no end, `unpriced` ones no cost. `models` has calls, ends, tokens and
        nano-USD of each model by its requested name.
        """
        return {
            "calls": self._arrived,
            "ended": self._ended,
            "open": self._arrived - self._ended,
            "statuses": dict(self._statuses),
            **{name: self._sums[name] for name in _SUMMED},
            "unpriced": self._sums["unpriced"],
            "clients_gone": self._sums["clients_gone"],
            "models": {
                model: {name: sums[name] for name in _OF_A_MODEL}
                for model, sums in self._models.items()
            },
        }

    def lines(self, last: int | None = None) -> list[Line]:
        """Return all lines, or the last ones."""
        if last == 0:
            return []
        raw = self._path.read_bytes().splitlines() if self._path is not None else self._kept
        chosen = raw if last is None else raw[len(raw) - min(last, len(raw)) :]
        return [line for line in map(_line, chosen) if line is not None]

    def close(self) -> None:
        """Close the file; nothing can be recorded after it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _book(self, line: Line) -> None:
        self._count(line)
        self._write(orjson.dumps(line) + b"\n")

    def _write(self, raw: bytes) -> None:
        if self._file is not None:
            os.write(self._file, raw)
        else:
            self._kept.append(raw)

    def _count(self, line: Line) -> None:
        of_model = self._models.setdefault(str(line["model"]), Counter())
        if line["event"] == "arrived":
            self._arrived += 1
            of_model["calls"] += 1
            return
        self._ended += 1
        of_model["ended"] += 1
        self._statuses[str(line["status"])] += 1
        for name in _SUMMED:
            self._sums[name] += line[name] or 0
            of_model[name] += line[name] or 0
        self._sums["unpriced"] += line["cost_nano"] is None
        self._sums["clients_gone"] += not line["client"]


_SUMMED = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nano",
)
_OF_A_MODEL = ("calls", "ended", "input_tokens", "output_tokens", "cost_nano")


def _names(arrival: Arrival) -> Line:
    return {
        "number": arrival.number,
        "call_id": arrival.call_id,
        "endpoint": arrival.endpoint,
        "model": arrival.model,
    }


def _line(raw: bytes) -> Line | None:
    """Return a line, `None` for a truncated one."""
    try:
        line = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return line if isinstance(line, dict) and "event" in line else None
