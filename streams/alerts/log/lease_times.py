"""Times after which another worker takes over the evaluation of alerts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """Another process takes over `session_ms` after the last heartbeat of the leader, or `idle_ms`
    after its last turn, even with heartbeats.
    """

    session_ms: int = 10_000
    idle_ms: int = 60_000
