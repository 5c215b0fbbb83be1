"""Faults that can be switched on while the simulator runs, for all models or one.

What happens to a call is drawn from a hash of its id, so that a run can be repeated.
"""

from __future__ import annotations

import hashlib
import math
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    HANG = "hang"
    CUT = "cut"
    BAD_JSON = "bad_json"
    GIANT = "giant"
    EMPTY = "empty"


class Fault(BaseModel):
    """One fault: its kind, the share of calls (0..1) that it hits, and for which model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    rate: Annotated[float, Field(ge=0, le=1)] = 1.0
    model: str | None = None
    status: Annotated[int, Field(ge=300, le=599)] = 500
    code: str = "server_error"
    retry_after_s: float | None = None


class Latency(BaseModel):
    """Time to answer: lognormal around a median, ms; `p95_ms` sets its width."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    median_ms: Annotated[float, Field(ge=0)] = 0.0
    p95_ms: Annotated[float, Field(ge=0)] = 0.0

    def of(self, call_id: str) -> float:
        """The latency of a call, ms; the same again for the same id."""
        if self.median_ms <= 0:
            return 0.0
        if self.p95_ms <= self.median_ms:
            return self.median_ms
        sigma = math.log(self.p95_ms / self.median_ms) / _P95
        return self.median_ms * math.exp(sigma * _normal(call_id))


_P95 = 1.6448536269514722
"""The standard normal distribution's 95th percentile."""


class Weather:
    """The faults and latencies in force."""

    def __init__(self, latency: Latency | None = None) -> None:
        self.faults: list[Fault] = []
        self.latency: dict[str, Latency] = {"*": latency or Latency()}

    def latency_ms(self, model: str, call_id: str) -> float:
        """How long this call takes, ms."""
        return self.latency.get(model, self.latency["*"]).of(call_id)

    def fault(self, model: str, call_id: str) -> Fault | None:
        """What goes wrong with this call, if anything."""
        for number, fault in enumerate(self.faults):
            if fault.model in {None, model} and draw(f"{number}/{call_id}") < fault.rate:
                return fault
        return None

    def as_json(self) -> dict[str, Any]:
        """What is in force."""
        return {
            "faults": [fault.model_dump(mode="json") for fault in self.faults],
            "latency": {name: value.model_dump() for name, value in self.latency.items()},
        }


def draw(key: str) -> float:
    """A number in [0, 1) that belongs to a key."""
    digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _normal(key: str) -> float:
    """A standard normal number that belongs to a key (Box-Muller)."""
    first, second = draw(f"a/{key}"), draw(f"b/{key}")
    return math.sqrt(-2 * math.log(max(first, 1e-12))) * math.cos(2 * math.pi * second)
