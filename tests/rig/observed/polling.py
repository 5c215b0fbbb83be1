"""Polls for conditions without a notification, at a bounded rate.

A loop without a pause would keep a core busy and slow down the processes that it waits for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_BETWEEN_S = 0.05


def poll_until(holds: Callable[[], bool], timeout_s: float = 110.0) -> None:
    """Poll until the condition holds.

    Raises:
        TimeoutError: it did not in time.
    """
    end = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{holds} did not hold within {timeout_s:g} s")
        time.sleep(_BETWEEN_S)


async def until_true(holds: Callable[[], bool], timeout_s: float = 110.0) -> None:
    """The same for what blocks, in a thread.

    Raises:
        TimeoutError: it did not in time.
    """
    await asyncio.to_thread(poll_until, holds, timeout_s)
