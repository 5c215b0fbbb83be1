"""HTTP server for operators: the same pages for workers and sinks.

| path | content | 200 | 503 |
|---|---|---|---|
| `/health` | the process's report as JSON | it works | it does not |
| `/ready` | whether it takes work, as JSON, with the reason if not | it does | it does not |
| `/metrics` | Prometheus' text format, or OpenMetrics on request | always | - |

All accept GET and HEAD; any other path is 404. Requests of web pages of another origin are refused
(`core.http_origin`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from core.http_origin import address_of, refusal

_OK, _UNAVAILABLE = 200, 503
_SHUTDOWN_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpsPages:
    """Data sources of the pages.

    `report` has the field `healthy`. `why_not_ready` returns `None` if the process takes work.
    """

    report: Callable[[], Mapping[str, Any]]
    why_not_ready: Callable[[], Awaitable[str | None]]
    metrics: CollectorRegistry

    async def health(self, _: web.Request) -> web.Response:
        """Serve `/health`."""
        report = self.report()
        return _json(report, good=report["healthy"])

    async def ready(self, _: web.Request) -> web.Response:
        """Serve `/ready`."""
        why = await self.why_not_ready()
        return _json({"ready": why is None, "why": why}, good=why is None)

    async def metrics_page(self, request: web.Request) -> web.Response:
        """Serve `/metrics`."""
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self.metrics), headers={"Content-Type": content_type})


@asynccontextmanager
async def ops_server(host: str, port: int, pages: OpsPages) -> AsyncIterator[int]:
    """Serve while the context is open; yield the port.

    Raises:
        OSError: the address is in use or not of this machine.
    """
    application = web.Application(middlewares=[_refuse_other_origins])
    application.router.add_get("/health", pages.health)
    application.router.add_get("/ready", pages.ready)
    application.router.add_get("/metrics", pages.metrics_page)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()


@web.middleware
async def _refuse_other_origins(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    local = request.transport and request.transport.get_extra_info("sockname")
    headers = request.headers
    why = refusal(address_of(local), headers.get("Host"), headers.get("Origin"))
    return web.Response(status=403, text=why) if why else await handler(request)


def _json(value: Mapping[str, Any], *, good: bool) -> web.Response:
    return web.Response(
        body=orjson.dumps(value),
        status=_OK if good else _UNAVAILABLE,
        content_type="application/json",
    )
