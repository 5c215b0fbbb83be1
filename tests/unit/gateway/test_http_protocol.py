"""Limits of the HTTP protocol on heads, and on clients that send slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from streams.gateway.http_protocol import (
    HEAD_S,
    MAX_HEAD_BYTES,
    MAX_REST_BYTES,
    BoundedHttpProtocol,
)

_KEEP_ALIVE_S = 75
_PIECE = b"a" * 16_384
_POST = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 4\r\n\r\n"


class _Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.aborted = False
        self.unread = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return None

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class _Loop:
    """The running loop, whose timers go off on demand."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, asyncio.TimerHandle]] = []

    def create_task(self, work: Any, **_: Any) -> asyncio.Task[Any]:
        return asyncio.get_running_loop().create_task(work)

    def call_later(
        self, delay: float, call: Callable[..., None], *args: Any
    ) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        timer = asyncio.TimerHandle(loop.time(), call, args, loop)
        self.timers.append((delay, timer))
        return timer

    def pending(self) -> list[float]:
        return [delay for delay, timer in self.timers if not timer.cancelled()]

    def expire(self) -> None:
        due, self.timers = self.timers, []
        for _, timer in due:
            if not timer.cancelled():
                timer._run()


async def _answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, without reading the body."""
    await send(
        {"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})


class _Connection:
    def __init__(self) -> None:
        config = uvicorn.Config(_answer, log_config=None, timeout_keep_alive=_KEEP_ALIVE_S)
        self.transport, self.loop, self.state = _Transport(), _Loop(), ServerState()
        self.protocol = BoundedHttpProtocol(config, self.state, {}, self.loop)
        self.protocol.connection_made(self.transport)

    async def send(self, data: bytes) -> None:
        self.protocol.data_received(data)
        while self.state.tasks:
            await asyncio.gather(*self.state.tasks)


def _run(scenario: Callable[[_Connection], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario(_Connection())

    asyncio.run(run())


@pytest.mark.parametrize(
    "begin",
    [
        b"GET / HTTP/1.1\r\nx: ",
        b"GET / HTTP/1.1\r\nx",
        b"GET /",
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ",
    ],
    ids=["value", "name", "url", "trailer"],
)
def test_a_header_without_end_is_refused(begin: bytes) -> None:
    async def scenario(connection: _Connection) -> None:
        await connection.send(begin)
        for _ in range(MAX_HEAD_BYTES // len(_PIECE) + 1):
            await connection.send(_PIECE)
        assert connection.transport.closed
        assert b" 431 " in connection.transport.written

    _run(scenario)


def test_a_body_that_goes_on_after_its_answer_is_read_up_to_a_limit() -> None:
    async def scenario(connection: _Connection) -> None:
        await connection.send(b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")
        piece = b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE)
        for _ in range(MAX_REST_BYTES // len(_PIECE)):
            await connection.send(piece)
        assert not connection.transport.closed
        await connection.send(piece)
        assert connection.transport.closed
        assert b" 401 " in connection.transport.written

    _run(scenario)


def test_a_body_larger_than_a_head_is_accepted_in_pieces() -> None:
    async def scenario(connection: _Connection) -> None:
        size = 8 * MAX_HEAD_BYTES
        await connection.send(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(size // len(_PIECE)):
            await connection.send(_PIECE)
        await connection.send(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        assert not connection.transport.closed
        assert connection.transport.written.count(b" 401 ") == 2

    _run(scenario)


@pytest.mark.parametrize("begin", [b"", b"G", b"\r\n"], ids=["nothing", "part of a head", "line"])
def test_a_first_head_has_a_time_limit(begin: bytes) -> None:
    async def scenario(connection: _Connection) -> None:
        if begin:
            await connection.send(begin)
        assert connection.loop.pending() == [HEAD_S]
        connection.loop.expire()
        assert connection.transport.closed

    _run(scenario)


@pytest.mark.parametrize("rest", [b"body" + b"G", b"body" + b"\r\n", b"bo"])
def test_what_follows_an_answer_has_a_time_limit(rest: bytes) -> None:
    async def scenario(connection: _Connection) -> None:
        await connection.send(_POST)
        for byte in rest:
            await connection.send(bytes([byte]))
        assert connection.loop.pending() == [HEAD_S]
        connection.loop.expire()
        assert connection.transport.closed

    _run(scenario)


def test_a_connection_waits_for_the_next_request_after_a_body_that_was_answered_before() -> None:
    async def scenario(connection: _Connection) -> None:
        await connection.send(_POST)
        await connection.send(b"body")
        assert connection.loop.pending() == [_KEEP_ALIVE_S]
        await connection.send(_POST + b"body" + _POST)
        assert not connection.transport.closed
        assert connection.transport.written.count(b" 401 ") == 3
        assert connection.loop.pending() == [_KEEP_ALIVE_S]

    _run(scenario)


def test_a_client_that_reads_nothing_is_cut_off_although_its_connection_is_closed() -> None:
    async def scenario(connection: _Connection) -> None:
        connection.transport.unread = 100_000
        connection.protocol.pause_writing()
        connection.transport.close()
        connection.loop.expire()
        assert connection.transport.aborted

    _run(scenario)


def test_a_client_that_reads_slowly_is_not_cut_off() -> None:
    async def scenario(connection: _Connection) -> None:
        connection.transport.unread = 100_000
        connection.protocol.pause_writing()
        for _ in range(9):
            connection.transport.unread -= 10_000
            connection.loop.expire()
        connection.protocol.resume_writing()
        connection.loop.expire()
        assert not connection.transport.aborted

    _run(scenario)
