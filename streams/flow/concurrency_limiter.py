"""Concurrency limits: each tier has its own slots, so a slow tier never starves another.

A tier has two topics and one pool. Messages of the priority topic go first, but one slot in eight
goes to the others while both wait, so none waits forever. A message that only waits (for another
worker's lease, or for capacity) returns its slot meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AHEAD_IN_A_ROW = 7
"""Slots given to priority messages before one goes to the others, while both wait."""


class _Pool:
    """The slots and the two queues for them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._ahead: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    async def take(self, *, ahead: bool) -> None:
        line = self._ahead if ahead else self._others
        if self.used < self.limit and not line:
            self.used += 1
            return
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            elif turn in line:
                line.remove(turn)
            raise

    def give_back(self) -> None:
        self.used -= 1
        while self.used < self.limit and (line := self._next()):
            turn = line.popleft()
            if not turn.done():
                self.used += 1
                turn.set_result(None)

    def _next(self) -> deque[asyncio.Future[None]]:
        if self._ahead and (not self._others or self._in_a_row < AHEAD_IN_A_ROW):
            self._in_a_row = self._in_a_row + 1 if self._others else 0
            return self._ahead
        self._in_a_row = 0
        return self._others


class ConcurrencyLimiter:
    """At most `limit` messages of a tier in work at once; waiting messages are served in order."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("the concurrency limit must be at least 1")
        self._pool = _Pool(limit)
        self._is_ahead = False

    @property
    def limit(self) -> int:
        """Return the number of slots."""
        return self._pool.limit

    @property
    def used(self) -> int:
        """Return the number of slots in use, by both queues."""
        return self._pool.used

    async def take(self) -> None:
        """Wait for a free slot and take it."""
        await self._pool.take(ahead=self._is_ahead)

    def give_back(self) -> None:
        """Free a slot."""
        self._pool.give_back()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Free the caller's slot for a while, and take one again afterwards."""
        self.give_back()
        try:
            yield
        finally:
            await self.take()


class PriorityLimiter(ConcurrencyLimiter):
    """The same slots as `others`, for priority messages."""

    def __init__(self, others: ConcurrencyLimiter) -> None:
        self._pool = others._pool
        self._is_ahead = True
