"""Traces are sent to whoever is named, and nobody waits for one who is not there."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from schemas.errors import ConfigurationError
from streams.tracing import opening
from streams.tracing.context import TraceContext
from streams.tracing.opening import open_tracer
from streams.tracing.tracer import NO_TRACER, Kind

PARENT = TraceContext(trace_id=1, span_id=2, sampled=True)


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """An OTLP collector; its address, and the names of the spans that it was sent."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            import gzip

            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            sent = ExportTraceServiceRequest.FromString(body)
            heard.extend(
                span.name
                for resource in sent.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            )
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", heard
        finally:
            server.shutdown()
            thread.join()


def _opened(endpoint: str | None) -> Any:
    return open_tracer(endpoint, ratio=1.0, to_providers=False, worker="w")


def test_without_an_address_nothing_is_traced() -> None:
    assert _opened(None) is NO_TRACER
    assert _opened("") is NO_TRACER


def test_without_opentelemetry_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_installed", lambda: False)
    with pytest.raises(ConfigurationError, match=r"sluice\[traces\]"):
        _opened("http://127.0.0.1:1/v1/traces")


def test_spans_arrive_when_the_tracer_is_closed_at_the_latest() -> None:
    with collector() as (address, heard):
        tracer = _opened(address)
        with tracer.begin("hop simple", Kind.CONSUMER, PARENT, {"a": None, "b": 1}):
            pass
        asyncio.run(tracer.close())
    assert heard == ["hop simple"]


def test_a_collector_that_is_not_there_fails_nothing_and_fills_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        tracer = _opened(f"http://127.0.0.1:{taken.getsockname()[1]}/v1/traces")
        for _ in range(opening.QUEUE_SPANS + 100):
            with tracer.begin("hop simple", Kind.CONSUMER, PARENT, {}):
                pass
        asyncio.run(tracer.close())
