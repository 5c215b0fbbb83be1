"""Waiting for a request's news while its client stays connected."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.requests import ClientDisconnect, Request

from streams.gateway.dispatch.waiting import WaitingRequest


class ClientWatch:
    """Watches one client; as a context, ends the watch. Use it once the body is read."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._gone: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._gone = asyncio.create_task(self._disconnected())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._gone is not None:
            self._gone.cancel()

    async def news_of(self, waiting: WaitingRequest, timeout_s: float) -> bool:
        """Wait for news of a request; return whether there are any within this time.

        Raises:
            ClientDisconnect: the client is gone.
        """
        assert self._gone is not None
        news = asyncio.create_task(waiting.changed(timeout_s))
        await asyncio.wait({news, self._gone}, return_when=asyncio.FIRST_COMPLETED)
        if self._gone.done():
            news.cancel()
            raise ClientDisconnect
        return news.result()

    async def _disconnected(self) -> None:
        """Return when the client is gone."""
        while True:
            message = await self._request.receive()
            if message["type"] == "http.disconnect":
                return
