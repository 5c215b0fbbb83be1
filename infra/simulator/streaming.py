"""Sending a streamed answer, whole or spoilt by a fault.

The call's latency is spread evenly over the pieces. The call is booked before the last frame, or
before the fault. A caller that leaves is booked as such: the model had begun, so the call is
billed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from infra.simulator.fault_responses import pour
from infra.simulator.stream_frames import StreamFrames

_HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
_SPOILT = b'data: {"id":"<html>\n\n'
_UNENDED_LINE = b"data: "
_WHOLE = frozenset({None, "slow"})

Book = Callable[[bool], None]
"""Records the end of the call; the argument is whether the caller is still there."""


class StreamSender:
    """Sends one stream. `fault` is the kind of its fault, `giant_bytes` the size of a giant one."""

    def __init__(
        self, request: web.BaseRequest, frames: StreamFrames, *, fault: str | None, giant_bytes: int
    ) -> None:
        self._request = request
        self._frames = frames
        self._fault = fault
        self._giant_bytes = giant_bytes
        self._is_booked = False

    async def send(self, delay_s: float, book: Book) -> web.StreamResponse:
        """Send it within `delay_s` seconds."""
        response = web.StreamResponse(headers=_HEADERS)

        def booked(*, client: bool) -> None:
            self._is_booked = True
            book(client)

        try:
            await self._send(response, delay_s, booked)
        except asyncio.CancelledError:
            if not self._is_booked:
                book(False)
            raise
        except ConnectionError:
            if not self._is_booked:
                book(False)
        return response

    async def _send(
        self, response: web.StreamResponse, delay_s: float, booked: Callable[..., None]
    ) -> None:
        frames = self._frames
        is_whole = self._fault in _WHOLE
        pieces = frames.pieces if is_whole else frames.pieces[: len(frames.pieces) // 2]
        pause_s = delay_s / max(len(frames.pieces), 1)
        if pause_s <= 0:
            await response.prepare(self._request)
            await response.write(frames.opening)
            for piece in pieces:
                await response.write(piece)
        else:
            await asyncio.sleep(pause_s)
            await response.prepare(self._request)
            await response.write(frames.opening)
            for number, piece in enumerate(pieces):
                if number:
                    await asyncio.sleep(pause_s)
                await response.write(piece)
        booked(client=True)
        if is_whole:
            await response.write(frames.closing)
            await response.write_eof()
        else:
            await self._spoil(response)

    async def _spoil(self, response: web.StreamResponse) -> None:
        if self._fault == "stall":
            await asyncio.Event().wait()
        elif self._fault == "error_event":
            await response.write(self._frames.error)
        elif self._fault == "bad_json":
            await response.write(_SPOILT)
        elif self._fault == "giant":
            await response.write(_UNENDED_LINE)
            await pour(response, self._giant_bytes)
        elif self._request.transport is not None:
            # The end of the body is missing: the connection is lost.
            self._request.transport.close()
