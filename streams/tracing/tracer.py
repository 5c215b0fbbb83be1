"""Port for spans, and the tracer that records none.

Invariants: a span ends when its block is left, in any way; tracing never fails, delays or changes
the work; no attribute holds content of a request or an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import TracebackType
from typing import Protocol, Self

from schemas.records import ReplyAddress, Source
from streams.tracing.context import RequestTrace, TraceContext

Value = str | int | float | bool | tuple[str, ...] | None
Attributes = Mapping[str, Value]
"""Attributes by name; `None` is unknown, and left out."""


class SpanRole(Enum):
    """Role of a span, in OpenTelemetry's terms."""

    CONSUMER = "consumer"
    """Handling of a message."""
    CLIENT = "client"
    """A call of another service."""


class Span(Protocol):
    """A span, from `Tracer.begin` to the end of its `with` block."""

    @property
    def context(self) -> TraceContext | None:
        """Return its context, for spans within; `None` if nothing is recorded."""
        ...

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""
        ...

    def fail(self, error_type: str) -> None:
        """Mark it as failed; `error_type` is a short name."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Tracer(Protocol):
    """Records spans."""

    @property
    def to_providers(self) -> bool:
        """Return whether providers receive the trace."""
        ...

    def of_request(self, source: Source, address: ReplyAddress) -> RequestTrace | None:
        """Return a request's trace; `None` if it is not recorded."""
        ...

    def begin(
        self, name: str, kind: SpanRole, parent: TraceContext, attributes: Attributes
    ) -> Span:
        """Begin a span now."""
        ...

    def whole(
        self, trace: RequestTrace, name: str, attributes: Attributes, *, began: int, ended: int
    ) -> None:
        """Record a request's own span, which began and ended at these times, ms since 1970 UTC. An
        attribute `error.type` marks it as failed.
        """
        ...

    async def close(self) -> None:
        """Send the remaining spans."""
        ...


class NothingRecorded:
    """The span of an unrecorded request; one object serves all."""

    context: TraceContext | None = None

    def note(self, attributes: Attributes) -> None:
        """Do nothing."""

    def fail(self, error_type: str) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


NOTHING = NothingRecorded()


class NoTracer:
    """Records nothing."""

    to_providers = False

    def of_request(self, source: Source, address: ReplyAddress) -> RequestTrace | None:
        """Return no trace."""
        return None

    def begin(
        self, name: str, kind: SpanRole, parent: TraceContext, attributes: Attributes
    ) -> Span:
        """Begin no span."""
        return NOTHING

    def whole(
        self, trace: RequestTrace, name: str, attributes: Attributes, *, began: int, ended: int
    ) -> None:
        """Record nothing."""

    async def close(self) -> None:
        """Do nothing."""


NO_TRACER = NoTracer()
