"""Readiness of a worker, for `/ready` of its pages (`core.ops_http`).

A worker is ready when the registry is loaded and the group has assigned its partitions, until it
shuts down. It is not ready while a request topic is missing or has unassigned partitions, nor while
it has none of them though the group has no more workers than partitions. A surplus worker is ready:
it can take over at once. `/health` is 503 too while it should read a request partition and reads
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def why_not_ready(report: Mapping[str, Any]) -> str | None:
    """Return why a worker with this report takes no work; `None` if it does."""
    if report["registry"] is None:
        return "no registry version is loaded; publish one: sluice registry apply"
    fault: str | None = report.get("request_fault")
    if fault is None and not report["healthy"]:
        return "waiting for partition assignment, or shutting down"
    return fault
