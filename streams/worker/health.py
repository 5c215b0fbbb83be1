"""What a worker answers to those who operate it.

| path | says | 200 | 503 |
|---|---|---|---|
| `/health` | that the process does its work, and facts about it, as JSON | it does | it does not |
| `/ready` | whether it takes work, as JSON; why not, where it does not | it does | it does not |
| `/metrics` | Prometheus' text format, or OpenMetrics where that is asked for | always | - |

All answer GET and HEAD; another path is 404. A worker is ready once the registry is loaded and its
group has given it its partitions, and until it is told to end. It is not while a request topic is
missing, or has partitions that the group has not given out, or while it has none of them though the
group has no more workers than partitions. A worker too many is ready: it takes over at once. Its
/health is 503 too while it reads no request partition that there is, though it should.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from core.http_origin import address_of, refusal

_OK, _UNAVAILABLE = 200, 503


async def serve_health(
    stack: AsyncExitStack,
    host: str,
    port: int,
    status: Callable[[], dict[str, Any]],
    metrics: CollectorRegistry | None = None,
) -> int:
    """Serve until the stack closes; the port that is listened on. Without `metrics`, no page of
    them.
    """

    async def health(_: web.Request) -> web.Response:
        report = status()
        return _json(report, good=report["healthy"])

    async def ready(_: web.Request) -> web.Response:
        why = why_not_ready(status())
        return _json({"ready": why is None, "why": why}, good=why is None)

    application = web.Application(middlewares=[_refuse_pages])
    application.router.add_get("/health", health)
    application.router.add_get("/ready", ready)
    if metrics is not None:
        application.router.add_get("/metrics", _metrics_page(metrics))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound: int = runner.addresses[0][1]
    return bound


def why_not_ready(report: Mapping[str, Any]) -> str | None:
    """Why a worker with this report takes no work; `None` when it does."""
    if report["registry"] is None:
        return "no registry version is loaded; publish one: sluice registry apply"
    fault: str | None = report.get("request_fault")
    if fault is None and not report["healthy"]:
        return "its group has not given it partitions yet, or it is about to end"
    return fault


@web.middleware
async def _refuse_pages(
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


def _metrics_page(
    registry: CollectorRegistry,
) -> Callable[[web.Request], Any]:
    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return metrics
