"""Attacks on memory and connections. Each returns what was seen, or raises `AssertionError`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson

from streams.gateway.http_protocol import HEAD_S
from tests.chaos.hostile_gateway.target import STORY, Target

IDLE = 5_000
_MANY, _SOME = 500, 100
_CONNECTING = 200
_MOST_BYTES = 64 * 1024 * 1024
_HEAD_END = "\r\n"

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(target: Target, count: int) -> AsyncIterator[list[Connection]]:
    """Open connections; closed at the end."""
    opened: list[Connection] = []
    turn = asyncio.Semaphore(_CONNECTING)

    async def connect() -> None:
        async with turn:
            opened.append(await asyncio.open_connection("127.0.0.1", target.port, limit=2**16))

    await asyncio.gather(*(connect() for _ in range(count)))
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()


async def idle_connections(target: Target) -> str:
    """Connections on which nothing is sent are closed after the time for a head."""
    async with connections(target, IDLE) as opened:
        async with asyncio.timeout(HEAD_S + 30):
            ends = await asyncio.gather(*(reader.read() for reader, _ in opened))
    assert not any(ends), "something was sent to an idle connection"
    return f"{IDLE:,} connections, all closed after {HEAD_S:g} s"


async def slow_bodies(target: Target) -> str:
    """Bodies that arrive a few bytes at a time."""
    async with connections(target, _MANY) as opened:
        for _, writer in opened:
            writer.write(target.head(more=f"content-length: 900000{_HEAD_END * 2}"))
        for _ in range(50):
            for _, writer in opened:
                writer.write(b'{"model": ')
            await asyncio.sleep(0.1)
    return f"{_MANY} bodies, 500 bytes each in 5 s"


async def bodies_without_end(target: Target) -> str:
    """Chunked bodies that never end are refused at the limit."""
    head = target.head(more=f"transfer-encoding: chunked{_HEAD_END * 2}")
    piece = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    return await _until_refused(target, _SOME, head, piece, b" 413 ")


async def endless_headers(target: Target) -> str:
    """Heads of ever more headers."""
    line = b"".join(b"x-%d: v\r\n" % number for number in range(1_000))
    return await _until_refused(target, _MANY, target.head(), line, b" 431 ")


async def unfinished_headers(target: Target) -> str:
    """One header that never ends."""
    return await _until_refused(target, _MANY, target.head(more="x-long: "), b"v" * 65_536, b" 431")


async def clients_that_never_read(target: Target) -> str:
    """Streams of long answers whose clients read nothing."""
    body = orjson.dumps(target.body(STORY, stream=True))
    async with connections(target, _SOME) as opened:
        for _, writer in opened:
            writer.write(target.head(more=f"content-length: {len(body)}{_HEAD_END * 2}") + body)
        await asyncio.sleep(15)
    return f"{_SOME} streams of {len(body)} byte requests, unread for 15 s"


async def _until_refused(
    target: Target, count: int, head: bytes, piece: bytes, status: bytes
) -> str:
    """Send pieces on many connections until each is closed; the statuses that came."""
    seen: Counter[str] = Counter()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        sent = 0
        try:
            while not writer.is_closing() and not reader.at_eof() and sent < _MOST_BYTES:
                writer.write(piece)
                sent += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        assert sent < _MOST_BYTES, "the gateway read on"
        try:
            first = await reader.readline()
        except ConnectionError:
            first = b""
        assert not first or status in first, first
        seen["refused" if first else "closed"] += 1

    async with connections(target, count) as opened:
        async with asyncio.timeout(60):
            await asyncio.gather(*(send(*each) for each in opened))
    return f"{count} connections: " + ", ".join(f"{n} {what}" for what, n in seen.items())


FLOODS: dict[str, Callable[[Target], Awaitable[str]]] = {
    "idle connections": idle_connections,
    "slow bodies": slow_bodies,
    "bodies without end": bodies_without_end,
    "endless headers": endless_headers,
    "unfinished headers": unfinished_headers,
    "clients that never read": clients_that_never_read,
}
