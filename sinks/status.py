"""What GET /health tells of a sink."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, kw_only=True)
class SinkStatus:
    """How the sink is doing; times are ms since 1970 UTC."""

    instance: str
    state: str = "starting"
    """starting, running, degraded (ClickHouse or Kafka is away; it is retried) or stopping."""
    rows: int = 0
    """Rows stored by this process."""
    last_insert: int | None = None
    last_error: str | None = None
    fenced: int = 0
    """How often a successor took a partition over."""
    partitions: int = 0
    lag: int | None = None
    """Records on the log that are not stored yet, of the assigned partitions."""
    skipped: int = 0
    """Records that the log had dropped before they were stored."""
    alert_evaluation: Callable[[], dict[str, Any]] = dict
    """What is known of the evaluation of alert rules."""

    def stored(self, rows: int, at: int) -> None:
        """A batch was stored."""
        self.rows += rows
        self.last_insert = at
        self.running()

    def running(self) -> None:
        """All is well (again)."""
        if self.state != "stopping":
            self.state = "running"

    def failing(self, why: str) -> None:
        """Something is away and is retried."""
        self.last_error = why
        if self.state == "running":
            self.state = "degraded"

    def report(self) -> dict[str, Any]:
        """As JSON."""
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
