"""In-memory twin of the caller: a function answers at once, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from streams.client.caller import Document, ReceivedReply

Answering = Callable[[Mapping[str, Any]], Document | None]
"""Returns the reply to a request; `None` leaves it unanswered."""


class MemoryCaller:
    """See `Caller`; `most_open` is the maximum number of open requests."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._open = 0
        self.requests: list[Mapping[str, Any]] = []
        self.most_open = 0

    async def call(self, request: Mapping[str, Any]) -> asyncio.Future[ReceivedReply]:
        """See `Caller.call`; the reply arrives in a later turn of the event loop."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[ReceivedReply] = loop.create_future()
        self.requests.append(request)
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        reply = self._answering(request)
        if reply is not None:
            loop.call_soon(self._answer, future, reply)
        return future

    def unreadable_in_words(self) -> str:
        """See `Caller.unreadable_in_words`; all replies are readable here."""
        return ""

    def _answer(self, future: asyncio.Future[ReceivedReply], reply: Document) -> None:
        self._open -= 1
        if not future.done():
            future.set_result(ReceivedReply(reply=reply, waited_ms=1.0))
