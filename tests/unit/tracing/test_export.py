"""Traces are sent to the configured collector, and an unreachable one delays nothing."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from schemas.errors import ConfigurationError
from streams.tracing import factory
from streams.tracing.context import TraceContext
from streams.tracing.factory import open_tracer
from streams.tracing.tracer import NO_TRACER, SpanRole
from tests.rig.observed.collector import collector

PARENT = TraceContext(trace_id=1, span_id=2, sampled=True)


def _opened(endpoint: str | None) -> Any:
    return open_tracer(endpoint, ratio=1.0, to_providers=False, worker="w")


def test_without_an_address_nothing_is_traced() -> None:
    assert _opened(None) is NO_TRACER
    assert _opened("") is NO_TRACER


def test_without_opentelemetry_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(factory, "_installed", lambda: False)
    with pytest.raises(ConfigurationError, match=r"sluice\[traces\]"):
        _opened("http://127.0.0.1:1/v1/traces")


def test_spans_arrive_when_the_tracer_is_closed_at_the_latest() -> None:
    with collector() as (address, spans):
        tracer = _opened(address)
        with tracer.begin("hop simple", SpanRole.CONSUMER, PARENT, {"a": None, "b": 1}):
            pass
        asyncio.run(tracer.close())
    assert spans == ["hop simple"]


def test_a_collector_that_is_not_there_fails_nothing_and_fills_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        tracer = _opened(f"http://127.0.0.1:{taken.getsockname()[1]}/v1/traces")
        for _ in range(factory.QUEUE_SPANS + 100):
            with tracer.begin("hop simple", SpanRole.CONSUMER, PARENT, {}):
                pass
        asyncio.run(tracer.close())
