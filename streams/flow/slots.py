"""Bounded work: a tier's slots are its own, so that a slow tier never starves another.

A message that only waits (for another worker's lease) gives its slot back meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """At most `limit` messages of a tier in work at once; who waits is served in turn."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError("a tier needs at least one slot")
        self.limit = limit
        self._free = asyncio.Semaphore(limit)
        self._used = 0

    @property
    def used(self) -> int:
        """Slots taken now."""
        return self._used

    async def take(self) -> None:
        """Wait for a free slot and take it."""
        await self._free.acquire()
        self._used += 1

    def give_back(self) -> None:
        """Free a slot."""
        self._used -= 1
        self._free.release()

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Free the caller's slot for a while and take one again afterwards."""
        self.give_back()
        try:
            yield
        finally:
            await self.take()
