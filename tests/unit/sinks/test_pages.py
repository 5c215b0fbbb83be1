"""The sink's pages: what probes and Prometheus get, by path, method and state."""

from __future__ import annotations

import asyncio

import httpx

from core.ops_http import OpsPages, ops_server
from sinks.clickhouse.ping import REMEMBERED_S, Reachable
from sinks.clock import SystemClock
from sinks.metrics import SinkMetrics
from sinks.status import SinkStatus, why_not_ready
from tests.unit.sinks.world import FixedClock


def _get(
    path: str,
    method: str = "GET",
    *,
    state: str = "running",
    reachable: bool = True,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    status = SinkStatus(instance="sink-1", state=state)
    metrics = SinkMetrics()
    metrics.rows.labels("calls").inc(3)

    async def answers() -> bool:
        return reachable

    async def scenario() -> httpx.Response:
        pages = OpsPages(
            report=status.report,
            why_not_ready=lambda: why_not_ready(status.report(), answers),
            metrics=metrics.registry,
        )
        async with ops_server("127.0.0.1", 0, pages) as port, httpx.AsyncClient() as client:
            return await client.request(method, f"http://127.0.0.1:{port}{path}", headers=headers)

    return asyncio.run(scenario())


def test_health_shows_the_state() -> None:
    answer = _get("/health")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["instance"] == "sink-1"
    assert _get("/health", state="degraded").status_code == 503


def test_a_running_sink_that_reaches_clickhouse_is_ready() -> None:
    assert _get("/ready").json() == {"ready": True, "why": None}


def test_a_sink_without_clickhouse_is_not_ready_though_nothing_failed_yet() -> None:
    answer = _get("/ready", reachable=False)
    assert answer.status_code == 503
    assert "ClickHouse" in answer.json()["why"]
    assert _get("/health", reachable=False).status_code == 200


def test_a_sink_that_starts_or_ends_is_not_ready() -> None:
    assert _get("/ready", state="starting").status_code == 503
    assert _get("/ready", state="stopping").status_code == 503


def test_metrics_are_prometheus_text_or_openmetrics() -> None:
    answer = _get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'sluice_sink_rows_total{table="calls"} 3.0' in answer.text
    accepted = {"Accept": "application/openmetrics-text; version=1.0.0"}
    assert _get("/metrics", headers=accepted).text.endswith("# EOF\n")


def test_head_is_answered_without_a_body() -> None:
    for path in ("/health", "/ready", "/metrics"):
        answer = _get(path, "HEAD")
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0


def test_other_paths_and_methods_are_refused() -> None:
    assert _get("/").status_code == 404
    assert _get("/health", "POST").status_code == 405


async def _server(status: bytes, requests: list[bytes]) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def test_clickhouse_is_pinged_once_for_many_probes_and_again_later() -> None:
    requests: list[bytes] = []
    clock = FixedClock()

    async def scenario() -> None:
        async with await _server(b"200 OK", requests) as server:
            port = server.sockets[0].getsockname()[1]
            reachable = Reachable(f"http://user:secret@127.0.0.1:{port}", clock)
            assert all(await asyncio.gather(*(reachable() for _ in range(5))))
            clock.ms += int(REMEMBERED_S * 1000)
            assert await reachable()

    asyncio.run(scenario())
    assert len(requests) == 2
    assert requests[0].startswith(b"GET /ping ")
    assert b"secret" not in requests[0]


def test_an_unhealthy_or_missing_clickhouse_is_not_reachable() -> None:
    async def scenario() -> None:
        async with await _server(b"503 Service Unavailable", []) as server:
            port = server.sockets[0].getsockname()[1]
            assert not await Reachable(f"http://127.0.0.1:{port}", SystemClock())()
        assert not await Reachable(f"http://127.0.0.1:{port}", SystemClock())()

    asyncio.run(scenario())


def test_a_web_page_of_another_origin_gets_no_page() -> None:
    for headers in ({"origin": "http://page.example"}, {"host": "page.example"}):
        assert _get("/health", headers=headers).status_code == 403
        assert _get("/metrics", headers=headers).status_code == 403
