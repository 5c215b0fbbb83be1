"""When the evaluation of alerts passes to another worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """When another process takes over: after `session_ms` without a sign of the one that evaluates,
    or after `idle_ms` without a turn of it, though it still shows signs.
    """

    session_ms: int = 10_000
    idle_ms: int = 60_000
