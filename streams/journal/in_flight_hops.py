"""Registry of the hops in work in this process, so that none is handled twice.

After a rebalance a message can be delivered again while its first delivery is still in work. The
second waits for the end of the first, and then checks the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.journal.admission import HopMessage

_Key = tuple[bytes, int, int]


class InFlightRegistry:
    """Hops in work, by identity, hop and visit."""

    def __init__(self) -> None:
        self._held: dict[_Key, asyncio.Event] = {}

    def holder(self, message: HopMessage) -> asyncio.Event | None:
        """Return an event set at the end of the hop in work; `None` if it is not in work."""
        return self._held.get(_key(message))

    @asynccontextmanager
    async def hold(self, message: HopMessage) -> AsyncIterator[None]:
        """Hold a hop that is not in work."""
        ended = self._held[_key(message)] = asyncio.Event()
        try:
            yield
        finally:
            del self._held[_key(message)]
            ended.set()


def _key(message: HopMessage) -> _Key:
    return message.identity, message.hop, message.visit
