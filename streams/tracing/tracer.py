"""The port to whoever keeps spans, and the tracer that keeps none.

What always holds: a span is ended when its block is left, however that comes; nothing about a trace
ever fails, delays or changes the work; no attribute holds what a request or an answer says.
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
"""By name; what is `None` is not known, and left out."""


class SpanRole(Enum):
    """What a span stands for, in OpenTelemetry's words."""

    CONSUMER = "consumer"
    """Work on a message."""
    CLIENT = "client"
    """A call of somebody else's service."""


class Span(Protocol):
    """A stretch of work, from `Tracer.begin` to the end of its `with` block."""

    @property
    def context(self) -> TraceContext | None:
        """Its place, for what happens within; `None` where nothing is recorded."""
        ...

    def note(self, attributes: Attributes) -> None:
        """Add attributes."""
        ...

    def fail(self, error_type: str) -> None:
        """It did not do what it was for; `error_type` is a short name."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Tracer(Protocol):
    """Keeps spans."""

    @property
    def to_providers(self) -> bool:
        """Whether providers are told the trace."""
        ...

    def of_request(self, source: Source, address: ReplyAddress) -> RequestTrace | None:
        """A request's trace; `None` where it is not recorded."""
        ...

    def begin(
        self, name: str, kind: SpanRole, parent: TraceContext, attributes: Attributes
    ) -> Span:
        """Begin a span now."""
        ...

    def whole(
        self, trace: RequestTrace, name: str, attributes: Attributes, *, began: int, ended: int
    ) -> None:
        """Keep a request's own span, which began and ended at these times, ms since 1970 UTC. An
        attribute `error.type` marks it as failed.
        """
        ...

    async def close(self) -> None:
        """Hand over what is kept still."""
        ...


class NothingRecorded:
    """The span where nothing is recorded; one object serves all."""

    context: TraceContext | None = None

    def note(self, attributes: Attributes) -> None:
        """Nothing."""

    def fail(self, error_type: str) -> None:
        """Nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


NOTHING = NothingRecorded()


class NoTracer:
    """Keeps nothing."""

    to_providers = False

    def of_request(self, source: Source, address: ReplyAddress) -> RequestTrace | None:
        """None is recorded."""
        return None

    def begin(
        self, name: str, kind: SpanRole, parent: TraceContext, attributes: Attributes
    ) -> Span:
        """Nothing begins."""
        return NOTHING

    def whole(
        self, trace: RequestTrace, name: str, attributes: Attributes, *, began: int, ended: int
    ) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is kept still."""


NO_TRACER = NoTracer()
