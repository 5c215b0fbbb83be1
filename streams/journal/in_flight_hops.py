"""Registry of the hops in work in this process, so that none is handled twice.

After a rebalance a message can be delivered again while its first delivery is still in work. The
second waits for the end of the first, and then checks the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from schemas.errors import RequestCancelledError
from streams.journal.admission import HopMessage

_Key = tuple[bytes, int, int]


class Cancellation:
    """Whether the caller asked to cancel the request of a hop in work. Asking interrupts the hop's
    task where it waits for a provider, and nowhere else: every record of it is published as usual.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._waiting: asyncio.Task[object] | None = None

    def is_asked(self) -> bool:
        """Return whether the request is cancelled."""
        return self._is_asked

    def ask(self) -> None:
        """Cancel the request."""
        if not self._is_asked:
            self._is_asked = True
            if self._waiting is not None:
                self._waiting.cancel()

    def check(self) -> None:
        """Go on unless the request is cancelled.

        Raises:
            RequestCancelledError: it is.
        """
        if self._is_asked:
            raise RequestCancelledError

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Allow the interruption of what the current task waits for.

        Raises:
            RequestCancelledError: the request is cancelled.
        """
        self.check()
        task = self._waiting = asyncio.current_task()
        before = 0 if task is None else task.cancelling()
        try:
            yield
        except asyncio.CancelledError:
            # The task may have been cancelled by others too, who want it to end.
            if task is None or not self.is_asked() or task.uncancel() > before:
                raise
            raise RequestCancelledError from None
        finally:
            self._waiting = None


class _HeldHop:
    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.cancellation = Cancellation()


class InFlightRegistry:
    """Hops in work, by identity, hop and visit."""

    def __init__(self) -> None:
        self._held: dict[_Key, _HeldHop] = {}

    def holder(self, message: HopMessage) -> asyncio.Event | None:
        """Return an event set at the end of the hop in work; `None` if it is not in work."""
        found = self._held.get(_key(message))
        return None if found is None else found.ended

    def cancel(self, identity: bytes) -> None:
        """Cancel the request of the hops in work for this identity."""
        for (held, _, _), each in tuple(self._held.items()):
            if held == identity:
                each.cancellation.ask()

    @asynccontextmanager
    async def hold(self, message: HopMessage) -> AsyncIterator[Cancellation]:
        """Hold a hop that is not in work."""
        found = self._held[_key(message)] = _HeldHop()
        try:
            yield found.cancellation
        finally:
            del self._held[_key(message)]
            found.ended.set()


def _key(message: HopMessage) -> _Key:
    return message.identity, message.hop, message.visit
