"""HTTP pages of a sink for operators.

| path | content | 200 | 503 |
|---|---|---|---|
| `/health` | state of the sink as JSON | it works | it does not |
| `/ready` | whether it stores rows, as JSON, with the reason if not | it does | it does not |
| `/metrics` | Prometheus' text format, or OpenMetrics on request | always | - |

All accept GET and HEAD; any other path is 404. The server uses asyncio's streams: three pages for
probes need no web framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from core.http_origin import address_of, refusal

_REQUEST_TIMEOUT_S = 5.0
_MAX_HEAD_BYTES = 16 * 1024
_JSON = "application/json"


async def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Data sources of the pages: the sink's report, its metrics, availability of ClickHouse."""

    report: Callable[[], dict[str, Any]]
    metrics: CollectorRegistry | None = None
    reachable: Callable[[], Awaitable[bool]] = _always


@dataclass(frozen=True, slots=True)
class _Response:
    status: HTTPStatus
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""

    def encode(self, *, with_body: bool) -> bytes:
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
            "Connection: close\r\n\r\n"
        )
        return head.encode() + (self.body if with_body else b"")


@asynccontextmanager
async def health_page(host: str, port: int, pages: Pages) -> AsyncIterator[int]:
    """Serve while the context is open; yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                local = address_of(writer.get_extra_info("sockname"))
                writer.write(await _answer(head, pages, local))
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(answer, host, port, limit=_MAX_HEAD_BYTES)
    async with server:
        bound: int = server.sockets[0].getsockname()[1]
        yield bound


async def why_not_ready(pages: Pages) -> str | None:
    """Return why the sink stores no rows now; `None` if it does."""
    report = pages.report()
    if report["state"] == "starting":
        return "waiting for partition assignment or ClickHouse leases"
    if report["state"] == "stopping":
        return "shutting down"
    if not await pages.reachable():
        return "ClickHouse is unreachable; unread events wait in Kafka"
    return None


async def _answer(head: bytes, pages: Pages, local_address: str) -> bytes:
    parts = head.split(b" ", 2)
    if len(parts) < 3:
        return _Response(HTTPStatus.BAD_REQUEST).encode(with_body=True)
    if refusal(local_address, _header(head, b"host"), _header(head, b"origin")) is not None:
        return _Response(HTTPStatus.FORBIDDEN).encode(with_body=True)
    method, path = parts[0], parts[1].partition(b"?")[0]
    response = await _page(path, head, pages)
    if response.status is not HTTPStatus.NOT_FOUND and method not in {b"GET", b"HEAD"}:
        response = _Response(HTTPStatus.METHOD_NOT_ALLOWED)
    return response.encode(with_body=method != b"HEAD")


async def _page(path: bytes, head: bytes, pages: Pages) -> _Response:
    if path == b"/health":
        report = pages.report()
        return _json(report, good=report["healthy"])
    if path == b"/ready":
        why = await why_not_ready(pages)
        return _json({"ready": why is None, "why": why}, good=why is None)
    if path == b"/metrics" and pages.metrics is not None:
        encode, content_type = choose_encoder(_header(head, b"accept") or "")
        return _Response(HTTPStatus.OK, content_type, encode(pages.metrics))
    return _Response(HTTPStatus.NOT_FOUND)


def _json(value: Mapping[str, Any], *, good: bool) -> _Response:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return _Response(status, _JSON, orjson.dumps(value))


def _header(head: bytes, wanted: bytes) -> str | None:
    """Return the first header with this name, in lower case; `None` without one."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == wanted:
            return value.strip().decode("latin-1")
    return None
