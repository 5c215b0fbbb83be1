"""In-memory twin of a tracer for tests, with OpenTelemetry's own spans."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from streams.tracing.otel import OtelTracer


class MemoryTracer(OtelTracer):
    """A tracer whose ended spans are readable, in the order of their ends."""

    def __init__(self, *, ratio: float = 1.0, to_providers: bool = False) -> None:
        self._kept = InMemorySpanExporter()
        super().__init__(
            SimpleSpanProcessor(self._kept), ratio=ratio, to_providers=to_providers, worker="test"
        )

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        """Return the ended spans."""
        return self._kept.get_finished_spans()
