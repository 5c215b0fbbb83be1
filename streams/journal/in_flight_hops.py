"""The hops that this process is working on, so that none is worked on twice.

After a rebalance a message can come again while its first delivery is still in work: the second
waits for the first to end, and then asks the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.journal.partition_journal import HopMessage

_Key = tuple[bytes, int, int]


class InFlightRegistry:
    """Hops in work, by identity, hop and visit."""

    def __init__(self) -> None:
        self._held: dict[_Key, asyncio.Event] = {}

    def holder(self, message: HopMessage) -> asyncio.Event | None:
        """Set when the hop that is in work has ended; `None` if it is not in work."""
        return self._held.get(_key(message))

    @asynccontextmanager
    async def hold(self, message: HopMessage) -> AsyncIterator[None]:
        """Work on a hop that nobody holds."""
        ended = self._held[_key(message)] = asyncio.Event()
        try:
            yield
        finally:
            del self._held[_key(message)]
            ended.set()


def _key(message: HopMessage) -> _Key:
    return message.identity, message.hop, message.visit
