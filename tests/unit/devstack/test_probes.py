"""The health of a process, from its page."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from infra.devstack.processes.ports import free_port
from infra.devstack.processes.probes import Health, health_at

FAULT = "the request topic r does not exist"


def _health(status: int, document: Mapping[str, Any] | None) -> Health:
    """What is found of a process with this page."""

    async def page(_: web.Request) -> web.Response:
        if document is None:
            return web.Response(text="Ok.", status=status)
        return web.json_response(document, status=status)

    async def case() -> Health:
        application = web.Application()
        application.router.add_get("/health", page)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/health"
            return await asyncio.to_thread(health_at, url)
        finally:
            await runner.cleanup()

    return asyncio.run(case())


@pytest.mark.parametrize(
    ("status", "document", "expected"),
    [
        (200, None, Health(is_well=True)),
        (200, {"healthy": True, "request_fault": None}, Health(is_well=True)),
        (200, {"healthy": True, "last_error": "once"}, Health(is_well=True)),
        (200, {"request_fault": FAULT}, Health(is_well=True, problem=FAULT)),
        (503, {"request_fault": FAULT}, Health(is_well=False, problem=FAULT)),
        (503, {"state": "degraded", "last_error": "away"}, Health(is_well=False, problem="away")),
        (503, {"state": "starting", "last_error": None}, Health(is_well=False, problem="starting")),
        (503, [], Health(is_well=False, problem="HTTP 503")),
        (500, None, Health(is_well=False, problem="HTTP 500")),
    ],
)
def test_what_a_page_says_is_wrong_is_shown(status: int, document: Any, expected: Health) -> None:
    assert _health(status, document) == expected


def test_a_process_that_is_not_there_does_not_respond() -> None:
    found = health_at(f"http://127.0.0.1:{free_port()}/health")
    assert found == Health(is_well=False, problem="no response")
