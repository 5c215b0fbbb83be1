"""Backoff before a component is restarted."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 0.25
LONGEST_S = 10.0
STEADY_S = 20.0
"""Run time after which a component counts as healthy: its next failure is its first again."""


@dataclass(slots=True)
class Backoff:
    """Immediate after the first failure, then doubling, up to ten seconds."""

    deaths: int = 0

    def rest_s(self, lived_s: float) -> float:
        """Return the seconds to wait, after a run of this many seconds."""
        if lived_s >= STEADY_S:
            self.deaths = 0
        rest = 0.0 if self.deaths == 0 else min(LONGEST_S, FIRST_S * 2.0 ** (self.deaths - 1))
        self.deaths += 1
        return rest
