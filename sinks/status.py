"""State and readiness of a sink, for `/health` and `/ready` of its pages (`core.ops_http`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class SinkStatus:
    """State of the sink; times are ms since 1970 UTC."""

    instance: str
    state: str = "starting"
    """starting, running, degraded (ClickHouse or Kafka is unreachable; it is retried) or stopping.
    """
    rows: int = 0
    """Rows stored by this process."""
    last_insert: int | None = None
    last_error: str | None = None
    fenced: int = 0
    """Number of takeovers of a partition by a successor."""
    partitions: int = 0
    lag: int | None = None
    """Records of the assigned partitions that are on the log and not stored yet."""
    skipped: int = 0
    """Records deleted from the log before they were stored."""
    alert_evaluation: Callable[[], dict[str, Any]] = dict
    """Latest evaluation of alert rules."""

    def stored(self, rows: int, at: int) -> None:
        """Record that a batch was stored."""
        self.rows += rows
        self.last_insert = at
        self.running()

    def running(self) -> None:
        """Set the state to running."""
        if self.state != "stopping":
            self.state = "running"

    def failing(self, why: str) -> None:
        """Set the state to degraded, with the reason."""
        self.last_error = why
        if self.state == "running":
            self.state = "degraded"

    def report(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "healthy": self.state == "running",
            "state": self.state,
            "instance": self.instance,
            "partitions": self.partitions,
            "lag": self.lag,
            "rows": self.rows,
            "last_insert": self.last_insert,
            "last_error": self.last_error,
            "fenced": self.fenced,
            "skipped": self.skipped,
            "alerts": self.alert_evaluation(),
        }


async def why_not_ready(
    report: Mapping[str, Any], reachable: Callable[[], Awaitable[bool]]
) -> str | None:
    """Return why a sink with this report stores no rows now; `None` if it does."""
    if report["state"] == "starting":
        return "waiting for partition assignment or ClickHouse leases"
    if report["state"] == "stopping":
        return "shutting down"
    if not await reachable():
        return "ClickHouse is unreachable; unread events wait in Kafka"
    return None
