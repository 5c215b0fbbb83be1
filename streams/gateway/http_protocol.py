"""HTTP protocol of the server: uvicorn's on httptools, with limits on request heads.

httptools has no limit on the number and size of headers, and uvicorn none on the time for a head,
or for the rest of a body that was answered already. A connection beyond these limits is closed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 256
UNREAD_S = 60.0
"""Time without a byte read by a client whose buffer is full, after which its connection is cut."""

MAX_REST_BYTES = 1024 * 1024
"""Maximum size of the rest of a body that was answered already; it is read so that the client reads
the answer.
"""

HEAD_S = 30.0
"""Time in which a client must send a request's head, from the begin of the connection or head; also
the time for the rest of a body after its answer.
"""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n"


class BoundedHttpProtocol(HttpToolsProtocol):
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._rest_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._unread_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin the time for the first head."""
        super().connection_made(transport)
        self._begin_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the times."""
        self._end_timer()
        super().connection_lost(exc)
        self._end_unread_timer()

    def data_received(self, data: bytes) -> None:
        """Pass data on, unless the head is too large, and begin the time for what is to follow.

        httptools keeps an unfinished header, without limit, and copies it for each piece of data.
        """
        if self.transport.is_closing():
            return
        self._unparsed_bytes += len(data)
        super().data_received(data)
        if self._unparsed_bytes > MAX_HEAD_BYTES:
            self._refuse()
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._begin_timer()

    def on_message_begin(self) -> None:
        """Begin to count a head."""
        self._head_bytes = self._unparsed_bytes = self._rest_bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count a part of the URL."""
        self._unparsed_bytes = 0
        if self._counted(len(url)):
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header."""
        self._unparsed_bytes = 0
        if self._counted(len(name) + len(value)) and len(self.headers) < MAX_HEADERS:
            super().on_header(name, value)
        else:
            self._refuse()

    def on_headers_complete(self) -> None:
        """End the time for the head."""
        self._end_timer()
        self._unset_keepalive_if_required()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that data was parsed; close the connection of a body that does not end."""
        self._unparsed_bytes = 0
        if self.cycle.response_complete:
            self._rest_bytes += len(body)
            if self._rest_bytes > MAX_REST_BYTES:
                self.transport.close()
                return
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait for the next request, if this one was answered before its end."""
        self._unparsed_bytes = 0
        super().on_message_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self._end_timer()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads: closing alone waits for it, without limit."""
        super().pause_writing()
        self._watch_unread()

    def resume_writing(self) -> None:
        """End the watch."""
        self._end_unread_timer()
        super().resume_writing()

    def _watch_unread(self, before: int | None = None) -> None:
        self._end_unread_timer()
        size = self.transport.get_write_buffer_size()
        if before is not None and size >= before:
            self.transport.abort()
            return
        self._unread_timer = self.loop.call_later(UNREAD_S, self._watch_unread, size)

    def _end_unread_timer(self) -> None:
        if self._unread_timer is not None:
            self._unread_timer.cancel()
            self._unread_timer = None

    def _counted(self, size: int) -> bool:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse()
        return self._head_bytes <= MAX_HEAD_BYTES

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _begin_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_S, self.transport.close)

    def _end_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
