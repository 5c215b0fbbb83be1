"""The sink's clock: wall time for `ingested_at`, a monotonic count for waiting."""

from __future__ import annotations

import time
from typing import Protocol


class SinkClock(Protocol):
    """Wall time and monotonic time."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970 UTC."""
        ...

    def elapsed_s(self) -> float:
        """Return a monotonic count of seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970 UTC."""
        return int(time.time() * 1000)

    def elapsed_s(self) -> float:
        """Return a monotonic count of seconds."""
        return time.monotonic()
