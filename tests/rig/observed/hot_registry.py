"""Which registry version a running worker uses, and a wait for an expected one."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.rig.stack import Stack, fetch

BY_S = 30.0
BETWEEN_S = 0.02
"""Between two questions: one that follows at once holds up the worker that it asks."""


async def health_of(pipeline: Stack) -> dict[str, Any]:
    """The worker's /health document."""
    return dict(await asyncio.to_thread(fetch, f"{pipeline.worker_url()}/health"))


async def in_use(pipeline: Stack) -> str:
    """The version that the worker decides by."""
    return str((await health_of(pipeline))["registry"])


async def uses(pipeline: Stack, digest: str) -> None:
    """Wait until the worker decides by this version."""
    async with asyncio.timeout(BY_S):
        while await in_use(pipeline) != digest:  # noqa: ASYNC110 - another process
            await asyncio.sleep(BETWEEN_S)


async def idle(pipeline: Stack) -> None:
    """Wait until the worker has no work in progress."""
    async with asyncio.timeout(BY_S):
        while (await health_of(pipeline))["in_flight"]:  # noqa: ASYNC110 - another process
            await asyncio.sleep(BETWEEN_S)
