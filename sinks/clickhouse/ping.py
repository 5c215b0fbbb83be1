"""Availability check of ClickHouse: one GET of `/ping`, cached briefly.

An idle sink inserts nothing and would detect an outage only with the next rows, but a probe must
not depend on traffic. The result is cached, so that many probes cause one request.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from sinks.clock import SinkClock

TIMEOUT_S = 2.0
REMEMBERED_S = 2.0
_HTTPS_PORT, _HTTP_PORT = 8443, 8123


class Reachable:
    """Checks whether ClickHouse responds; `url` and `tls` are those of the settings."""

    def __init__(self, url: str, clock: SinkClock, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        secure = parts.scheme == "https"
        self._tls = tls or secure or None
        self._port = parts.port or (_HTTPS_PORT if secure else _HTTP_PORT)
        self._clock = clock
        self._asking = asyncio.Lock()
        self._pinged_at = float("-inf")
        self._answers = False

    async def __call__(self) -> bool:
        """Return whether it responds, now or within the cache time."""
        async with self._asking:
            if self._clock.elapsed_s() - self._pinged_at >= REMEMBERED_S:
                self._answers = await self._ping()
                self._pinged_at = self._clock.elapsed_s()
            return self._answers

    async def _ping(self) -> bool:
        with suppress(OSError, EOFError, TimeoutError, ValueError):
            async with asyncio.timeout(TIMEOUT_S):
                reader, writer = await asyncio.open_connection(
                    self._host, self._port, ssl=self._tls
                )
                try:
                    writer.write(
                        b"GET /ping HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n"
                        % self._host.encode()
                    )
                    status = await reader.readline()
                    return status.split(b" ")[1:2] == [b"200"]
                finally:
                    writer.close()
        return False
