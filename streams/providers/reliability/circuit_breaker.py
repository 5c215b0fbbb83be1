"""Circuit breaker of one instance: closed while calls succeed, open after too many failures.

An open breaker permits one call at a time after a while (half-open). Two successful calls close it;
a failed one opens it for twice as long, a minute at most. So no instance is excluded permanently,
even if it is the only one. After Nygard, "Release It!" (2nd ed., 2018), chapter 5.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

CONSECUTIVE = 5
"""Consecutive failures that open it."""

WINDOW = 20
FAILED_SHARE = 0.5
"""Share of the last `WINDOW` calls that open it if they failed or were slow."""

FIRST_OPEN_MS = 2_000.0
LONGEST_OPEN_MS = 60_000.0
PROBES_TO_CLOSE = 2

SLOW_FACTOR = 10.0
"""A call that takes this many times its instance's usual latency counts as failed."""


class State(StrEnum):
    """Calls that a breaker permits."""

    CLOSED = "closed"
    """All calls."""
    OPEN = "open"
    """No calls."""
    HALF_OPEN = "half_open"
    """One probe at a time."""


@dataclass(slots=True)
class Breaker:
    """One instance's breaker. Times are ms and are passed in."""

    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    in_a_row: int = 0
    opened: int = 0
    open_until: float = 0.0
    probing: bool = False
    probes: int = 0

    def state(self, now: float) -> State:
        """Return the state at `now`."""
        if not self.opened:
            return State.CLOSED
        return State.OPEN if now < self.open_until else State.HALF_OPEN

    def why_not(self, now: float) -> str | None:
        """Return why no call is permitted now, or `None`."""
        state = self.state(now)
        if state is State.OPEN:
            return "its circuit is open"
        if state is State.HALF_OPEN and self.probing:
            return "its circuit is half open, and a probe is in progress"
        return None

    def begin(self, now: float) -> None:
        """Record the start of a call."""
        if self.state(now) is State.HALF_OPEN:
            self.probing = True

    def succeeded(self, now: float) -> bool:
        """Record a successful call; return whether it closed the circuit."""
        self.in_a_row = 0
        self.recent.append(True)
        if not self.opened:
            return False
        self.probing = False
        self.probes += 1
        if self.probes < PROBES_TO_CLOSE:
            return False
        self._close()
        return True

    def failed(self, now: float) -> bool:
        """Record a failed call; return whether it opened the circuit."""
        self.in_a_row += 1
        self.recent.append(False)
        if self.opened:
            if self.state(now) is State.HALF_OPEN:
                self._open(now)
            return False
        full = len(self.recent) == WINDOW
        too_many = full and self.recent.count(False) >= FAILED_SHARE * WINDOW
        if self.in_a_row >= CONSECUTIVE or too_many:
            self._open(now)
            return True
        return False

    def forgotten(self) -> None:
        """Record a call whose end is independent of the instance."""
        self.probing = False

    def _open(self, now: float) -> None:
        wait = min(FIRST_OPEN_MS * 2.0**self.opened, LONGEST_OPEN_MS)
        self.opened += 1
        self.open_until = now + wait
        self.probing = False
        self.probes = 0

    def _close(self) -> None:
        self.opened = 0
        self.in_a_row = 0
        self.probes = 0
        self.recent.clear()
