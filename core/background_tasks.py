"""End of background tasks."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def cancelled(task: asyncio.Task[None]) -> None:
    """End a background task and wait for its end; its failure was reported when it occurred."""
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
