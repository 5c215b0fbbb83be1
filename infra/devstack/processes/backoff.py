"""How long a part that died rests before it is started again."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_S = 0.25
LONGEST_S = 10.0
STEADY_S = 20.0
"""A part that lived this long was well: its next death is its first again."""


@dataclass(slots=True)
class Backoff:
    """At once after the first death, then twice as long each time, up to ten seconds."""

    deaths: int = 0

    def rest_s(self, lived_s: float) -> float:
        """Seconds to wait, after a life of so many seconds."""
        if lived_s >= STEADY_S:
            self.deaths = 0
        rest = 0.0 if self.deaths == 0 else min(LONGEST_S, FIRST_S * 2.0 ** (self.deaths - 1))
        self.deaths += 1
        return rest
