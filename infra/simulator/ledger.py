"""The simulator's own books: the independent witness against which Sluice's are held.

One JSON line when a call arrives and one when it ends, each written before the answer leaves, so
that a `kill -9` loses nothing that was answered. Costs are computed here from genai-prices
directly, in exact decimals, without any of the code that is being checked.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import IO, Any

import orjson
from genai_prices import Usage as PricedUsage
from genai_prices.data_snapshot import get_snapshot

_NANO = Decimal(10) ** 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Tokens of a call as the simulator counts them; cached ones are inside `input_tokens`."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@cache
def _listed(provider: str, model: str) -> Any:
    try:
        return get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None


@cache
def _cost_nano(provider: str, model: str, counted: Counted) -> int | None:
    listed = _listed(provider, model)
    if listed is None:
        return None
    from datetime import UTC, datetime  # noqa: PLC0415

    usage = PricedUsage(
        input_tokens=counted.input_tokens,
        output_tokens=counted.output_tokens,
        cache_read_tokens=counted.cached_tokens,
    )
    total = listed.get_prices(datetime.now(UTC)).calc_price(usage)["total_price"]
    return int((total * _NANO).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


class Ledger:
    """Calls served, in memory and on disk."""

    def __init__(self, path: Path | None) -> None:
        self._file: IO[bytes] | None = None
        self.arrived = 0
        self.ended: list[dict[str, Any]] = []
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._reload(path)
            self._file = path.open("ab", buffering=0)

    def _reload(self, path: Path) -> None:
        if not path.is_file():
            return
        for line in path.read_bytes().splitlines():
            entry = orjson.loads(line)
            if entry["event"] == "arrived":
                self.arrived += 1
            else:
                self.ended.append(entry)

    def arrive(self, call_id: str, model: str) -> None:
        """A call came in."""
        self.arrived += 1
        self._write({"event": "arrived", "call_id": call_id, "model": model, "at": time.time()})

    def end(
        self, call_id: str, provider: str, model: str, status: str, counted: Counted | None
    ) -> None:
        """A call is about to be answered, or was given up."""
        entry = {
            "event": "ended",
            "call_id": call_id,
            "provider": provider,
            "model": model,
            "status": status,
            "cost_nano": _cost_nano(provider, model, counted) if counted else 0,
            "input_tokens": counted.input_tokens if counted else 0,
            "output_tokens": counted.output_tokens if counted else 0,
            "at": time.time(),
        }
        self.ended.append(entry)
        self._write(entry)

    def totals(self) -> dict[str, Any]:
        """Sums over all calls."""
        served = [entry for entry in self.ended if entry["status"] == "ok"]
        return {
            "arrived": self.arrived,
            "ended": len(self.ended),
            "ok": len(served),
            "cost_nano": sum(entry["cost_nano"] or 0 for entry in served),
        }

    def _write(self, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(orjson.dumps(entry) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def read_ledger(path: Path) -> list[dict[str, Any]]:
    """All lines of a ledger file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]
