"""GET /health: whether this process works, as JSON; 200 when it does, 503 when not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import orjson
from aiohttp import web


async def serve_health(
    stack: AsyncExitStack, host: str, port: int, status: Callable[[], dict[str, Any]]
) -> int:
    """Serve until the stack closes; the port that is listened on."""

    async def health(_: web.Request) -> web.Response:
        report = status()
        return web.Response(
            body=orjson.dumps(report),
            status=200 if report["healthy"] else 503,
            content_type="application/json",
        )

    application = web.Application()
    application.router.add_get("/health", health)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, host, port)
    await site.start()
    bound: int = runner.addresses[0][1]
    return bound
