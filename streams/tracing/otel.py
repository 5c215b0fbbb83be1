"""Spans of OpenTelemetry's SDK, sent by its exporter in a separate thread.

Batches come from a bounded queue: while the collector is unavailable, the newest spans are dropped.
Whether a request is recorded is decided before its first span, so an unrecorded one costs only a
hash.
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, Self

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from schemas.records import ReplyAddress, Source
from streams.tracing.context import RequestTrace, TraceContext, trace_of
from streams.tracing.names import ERROR_TYPE
from streams.tracing.tracer import Attributes, Span, SpanRole

log = logging.getLogger(__name__)

SCOPE = "sluice"

CLOSE_MS = 2_000
"""Time to send the remaining spans at shutdown, also if the collector is unavailable."""

_KINDS = {SpanRole.CONSUMER: SpanKind.CONSUMER, SpanRole.CLIENT: SpanKind.CLIENT}
_MS_NS = 1_000_000


class OtelTracer:
    """A tracer on a span processor; `ratio` is the share (0..1) of requests that are recorded if
    their callers do not decide.
    """

    def __init__(
        self,
        processor: SpanProcessor,
        *,
        ratio: float = 1.0,
        to_providers: bool = False,
        worker: str = "",
    ) -> None:
        self.to_providers = to_providers
        self._ratio = ratio
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create({"service.name": SCOPE, "service.instance.id": worker}),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer(SCOPE)

    def of_request(self, source: Source, address: ReplyAddress) -> RequestTrace | None:
        """See `Tracer.of_request`."""
        trace = trace_of(source, address, self._ratio)
        return trace if trace.own.sampled else None

    def begin(
        self, name: str, kind: SpanRole, parent: TraceContext, attributes: Attributes
    ) -> Span:
        """See `Tracer.begin`."""
        span = self._tracer.start_span(
            name,
            context=_within(parent),
            kind=_KINDS[kind],
            attributes=_known(attributes),
            record_exception=False,
        )
        return _OtelSpan(span, parent)

    def whole(
        self, trace: RequestTrace, name: str, attributes: Attributes, *, began: int, ended: int
    ) -> None:
        """See `Tracer.whole`."""
        self._ids.give(trace.own)
        span = self._tracer.start_span(
            name,
            context=_within(trace.caller) if trace.caller else set_span_in_context(_NOBODY),
            kind=SpanKind.CONSUMER,
            attributes=_known(attributes),
            start_time=began * _MS_NS,
        )
        if attributes.get(ERROR_TYPE) is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(max(began, ended) * _MS_NS)

    async def close(self) -> None:
        """See `Tracer.close`; bounded by `InBatches`."""
        await asyncio.to_thread(self._provider.shutdown)


class InBatches(BatchSpanProcessor):
    """OpenTelemetry's processor, which would wait half a minute for an unavailable collector."""

    def shutdown(self) -> None:
        """Send the remaining spans within a time limit."""
        self._batch_processor.shutdown(timeout_millis=CLOSE_MS)


class _OtelSpan:
    """One of OpenTelemetry's spans."""

    __slots__ = ("_parent", "_span")

    def __init__(self, span: Any, parent: TraceContext) -> None:
        self._span = span
        self._parent = parent

    @property
    def context(self) -> TraceContext | None:
        """See `Span.context`."""
        found = self._span.get_span_context()
        return TraceContext(
            trace_id=found.trace_id,
            span_id=found.span_id,
            sampled=True,
            state=self._parent.state,
        )

    def note(self, attributes: Attributes) -> None:
        """See `Span.note`."""
        self._span.set_attributes(_known(attributes))

    def fail(self, error_type: str) -> None:
        """See `Span.fail`."""
        self._span.set_attribute(ERROR_TYPE, error_type)
        self._span.set_status(Status(StatusCode.ERROR))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            # The type only: an error's text may quote content.
            self.fail(kind.__name__)
        self._span.end()


class _GivenIds(RandomIdGenerator):
    """Random ids, except for the next span if one is set."""

    def __init__(self) -> None:
        self._next: TraceContext | None = None

    def give(self, context: TraceContext) -> None:
        """Set the ids of the next span."""
        self._next = context

    def generate_trace_id(self) -> int:
        """See `IdGenerator.generate_trace_id`; called before the span's id, and for roots only."""
        return super().generate_trace_id() if self._next is None else self._next.trace_id

    def generate_span_id(self) -> int:
        """See `IdGenerator.generate_span_id`."""
        given, self._next = self._next, None
        return super().generate_span_id() if given is None else given.span_id


_NOBODY = NonRecordingSpan(SpanContext(0, 0, is_remote=False))


def _within(parent: TraceContext) -> Any:
    """Return OpenTelemetry's context under a parent of another process or time."""
    flags = TraceFlags(TraceFlags.SAMPLED if parent.sampled else TraceFlags.DEFAULT)
    state = TraceState.from_header([parent.state]) if parent.state else None
    return set_span_in_context(
        NonRecordingSpan(
            SpanContext(
                parent.trace_id,
                parent.span_id,
                is_remote=True,
                trace_flags=flags,
                trace_state=state,
            )
        )
    )


def _known(attributes: Attributes) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
