"""Why a worker is not ready, from its own state."""

from __future__ import annotations

from typing import Any

import pytest

from streams.worker.health import why_not_ready

WELL: dict[str, Any] = {"registry": "v", "healthy": True, "request_fault": None}


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (WELL, None),
        (WELL | {"registry": None}, "no registry"),
        (WELL | {"healthy": False}, "waiting for partition assignment"),
        (WELL | {"request_fault": "r is missing"}, "r is missing"),
        (WELL | {"healthy": False, "request_fault": "r is missing"}, "r is missing"),
    ],
)
def test_the_nearest_cause_is_reported(report: dict[str, Any], expected: str | None) -> None:
    why = why_not_ready(report)
    assert why == expected or (expected is not None and expected in (why or ""))
