"""Server-sent events to a client, which is cut off if it does not read."""

from __future__ import annotations

import asyncio

from starlette.responses import StreamingResponse
from starlette.types import Send

SLOW_S = 30.0
"""Time for which a client may leave the connection's buffers full. Its request completes."""


class EventStream(StreamingResponse):
    """A stream of events; what waits for a slow client is bounded by the connection's buffer."""

    media_type = "text/event-stream"

    async def stream_response(self, send: Send) -> None:
        """See `StreamingResponse`."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        async for chunk in self.body_iterator:
            try:
                async with asyncio.timeout(SLOW_S):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
            except TimeoutError:
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})
