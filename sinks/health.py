"""GET /health: whether this sink works, as JSON; 200 when it does, 503 when not.

A few lines on asyncio's streams: one page for probes needs no web framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

_REQUEST_TIMEOUT_S = 5.0
_MAX_HEAD_BYTES = 16 * 1024


@asynccontextmanager
async def health_page(
    host: str, port: int, report: Callable[[], dict[str, Any]]
) -> AsyncIterator[int]:
    """Serve while the context is open; gives the port that is listened on."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(head, report()))
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, port, limit=_MAX_HEAD_BYTES)
    async with server:
        bound: int = server.sockets[0].getsockname()[1]
        yield bound


def _response(head: bytes, report: dict[str, Any]) -> bytes:
    parts = head.split(b" ", 2)
    if len(parts) < 3 or parts[0] != b"GET" or parts[1].partition(b"?")[0] != b"/health":
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    body = orjson.dumps(report)
    status = b"200 OK" if report["healthy"] else b"503 Service Unavailable"
    return (
        b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Connection: close\r\n\r\n%b" % (status, len(body), body)
    )
