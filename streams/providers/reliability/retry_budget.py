"""Retry budget of a worker: a share of its calls, so retries do not amplify an outage.

Every first call adds a part of a retry, every retry takes one. After Envoy's and Finagle's retry
budgets: a fifth of the calls, and a few initially.
"""

from __future__ import annotations

SHARE = 0.2
START = 10.0
MOST = 100.0


class RetryBudget:
    """Remaining retries of one worker."""

    def __init__(self) -> None:
        self._left = START

    def called(self) -> None:
        """Record a hop's first call."""
        self._left = min(self._left + SHARE, MOST)

    @property
    def left(self) -> float:
        """Return the remaining retries."""
        return self._left

    @property
    def allows(self) -> bool:
        """Return whether another retry is permitted."""
        return self._left >= 1.0

    def retried(self) -> None:
        """Record a retry."""
        self._left -= 1.0
