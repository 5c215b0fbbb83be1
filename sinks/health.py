"""Readiness of a sink, for `/ready` of its pages (`core.ops_http`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any


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
