"""A coroutine that was begun without a task, which most coroutines never need."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any


def begin(work: Coroutine[Any, Any, None]) -> BegunCoroutine | None:
    """Run a coroutine up to its first wait; return the rest of it, or `None` if it is done.

    Raises:
        Exception: whatever the coroutine raises before its first wait.
    """
    try:
        future = work.send(None)
    except StopIteration:
        return None
    return BegunCoroutine(work, future)


class BegunCoroutine:
    """The rest of a coroutine that waits for a future; awaitable once."""

    __slots__ = ("_future", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], future: Any) -> None:
        self._work = work
        self._future = future

    def __await__(self) -> Generator[Any, Any, None]:
        """Run it to its end."""
        future = self._future
        while True:
            try:
                value = yield future
            except BaseException as error:  # noqa: BLE001 - the coroutine handles it
                step: Callable[[], Any] = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, value)
            try:
                future = step()
            except StopIteration:
                return
