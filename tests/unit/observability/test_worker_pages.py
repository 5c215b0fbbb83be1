"""The worker's pages: what probes and Prometheus get, by path, method and state."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson

from core.ops_http import OpsPages, ops_server
from streams.observability.metrics import WorkerMetrics
from streams.worker.health import why_not_ready

READY = {"healthy": True, "registry": "abc", "partitions": {}}


def _get(report: dict[str, Any], path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def scenario() -> httpx.Response:
        metrics = WorkerMetrics()
        metrics.repeated("done")

        async def why() -> str | None:
            return why_not_ready(report)

        pages = OpsPages(report=lambda: report, why_not_ready=why, metrics=metrics.registry)
        async with ops_server("127.0.0.1", 0, pages) as port, httpx.AsyncClient() as client:
            return await client.request(method, f"http://127.0.0.1:{port}{path}", headers=headers)

    return asyncio.run(scenario())


def test_health_shows_the_state() -> None:
    answer = _get(READY, "/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert orjson.loads(answer.content) == READY


def test_health_is_503_when_the_worker_does_not_work() -> None:
    assert _get(READY | {"healthy": False}, "/health").status_code == 503


def test_a_worker_with_registry_and_group_is_ready_even_without_partitions() -> None:
    answer = _get(READY, "/ready")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "why": None}


def test_a_worker_without_registry_is_not_ready_and_names_the_remedy() -> None:
    answer = _get(READY | {"registry": None}, "/ready")
    assert answer.status_code == 503
    assert "sluice registry apply" in answer.json()["why"]


def test_a_worker_that_ends_is_not_ready() -> None:
    assert _get(READY | {"healthy": False}, "/ready").status_code == 503


def test_metrics_are_prometheus_text() -> None:
    answer = _get(READY, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'sluice_duplicates_total{kind="done"} 1.0' in answer.text


def test_metrics_are_openmetrics_on_request() -> None:
    answer = _get(READY, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_head_is_answered_without_a_body() -> None:
    for path in ("/health", "/ready", "/metrics"):
        answer = _get(READY, path, "HEAD")
        assert answer.status_code == 200
        assert answer.content == b""


def test_other_paths_are_not_there() -> None:
    assert _get(READY, "/").status_code == 404
    assert _get(READY, "/metrics/x").status_code == 404


def test_a_web_page_of_another_origin_gets_no_page() -> None:
    for path in ("/health", "/ready", "/metrics"):
        assert _get(READY, path, origin="http://page.example").status_code == 403
        assert _get(READY, path, host="page.example").status_code == 403
