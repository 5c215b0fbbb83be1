"""How many retries a worker may make: a share of its calls, so that an outage is not made worse.

Every first call adds a part of a retry, every retry takes one. After Envoy's and Finagle's retry
budgets: a fifth of the calls, and a few to start with.
"""

from __future__ import annotations

SHARE = 0.2
START = 10.0
MOST = 100.0


class RetryBudget:
    """The retries that one worker has left."""

    def __init__(self) -> None:
        self._left = START

    def called(self) -> None:
        """A hop made its first call."""
        self._left = min(self._left + SHARE, MOST)

    @property
    def left(self) -> float:
        """Retries that may still be made."""
        return self._left

    @property
    def allows(self) -> bool:
        """Whether another retry may be made."""
        return self._left >= 1.0

    def retried(self) -> None:
        """A retry is made."""
        self._left -= 1.0
