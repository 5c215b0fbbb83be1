"""An OpenTelemetry collector: it receives OTLP over HTTP and records the spans' names."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.rig.http import QuietHandler, serving


@contextmanager
def collector() -> Iterator[tuple[str, list[str]]]:
    """Its address, and the names of the spans that it was sent."""
    spans: list[str] = []

    class Handler(QuietHandler):
        def posted(self) -> None:
            body = self.body()
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            sent = ExportTraceServiceRequest.FromString(body)
            spans.extend(
                span.name
                for resource in sent.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            )
            self.answer(200)

    with serving(Handler) as url:
        yield f"{url}/v1/traces", spans
