"""Opens the partitions of an assignment once their journals can be read.

A missing topic of the journal is named once, and its partitions stay closed until it exists: a
worker that ended for it would be restarted, and end again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from schemas.errors import TopicError
from streams.journal.owned_journals import Journals

log = logging.getLogger(__name__)

RETRY_S = 1.0


class JournalledAssignment:
    """The latest assignment of a worker; `ended` is called with each background task at its end."""

    def __init__(
        self,
        journals: Journals,
        ended: Callable[[asyncio.Task[None]], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._journals = journals
        self._ended = ended
        self._sleep = sleep
        self._retrying: asyncio.Task[None] | None = None
        self.fault: str | None = None
        """Why the journals cannot be read; `None` if they can."""

    async def take(self, owned: Collection[int], opened: Callable[[], None]) -> None:
        """Read the journals of these partitions and call `opened`; later, if a topic is missing."""
        self.revoke()
        if await self._is_read(owned):
            opened()
            return
        self._retrying = asyncio.create_task(self._retry(owned, opened))
        self._retrying.add_done_callback(self._ended)

    def revoke(self) -> None:
        """Open the assignment no more."""
        self.fault = None
        if self._retrying is not None:
            self._retrying.cancel()
            self._retrying = None

    async def _retry(self, owned: Collection[int], opened: Callable[[], None]) -> None:
        while True:
            await self._sleep(RETRY_S)
            if await self._is_read(owned):
                log.warning("the journals are read; work goes on")
                opened()
                return

    async def _is_read(self, owned: Collection[int]) -> bool:
        fault: str | None = None
        try:
            await self._journals.assign(owned)
        except TopicError as error:
            fault = str(error)
        if fault is not None and self.fault is None:
            log.error("the assigned partitions stay closed: %s", fault)
        self.fault = fault
        return fault is None
