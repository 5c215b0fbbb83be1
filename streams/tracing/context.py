"""W3C trace contexts, and the one of every request. Pure.

A caller's `traceparent` and `tracestate` headers travel with each hop of its request, so any worker
knows the trace. The rest is derived from the request's position in the log: the id of its own span,
and the trace if its caller names none. So a worker that takes over after a crash continues the same
trace, and nothing more is carried. Source: https://www.w3.org/TR/trace-context-2/.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.records import ReplyAddress, Source

TRACEPARENT, TRACESTATE = "traceparent", "tracestate"

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?")
_STATE = re.compile(r"[\x20-\x7e]{0,512}")
_NO_VERSION = "ff"
_FIRST_VERSION = "00"
_SAMPLED = 1
_RATIO_RANGE = 2**56
"""Sampling uses the last seven bytes of a trace id, which are random (W3C, level 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """A span's context: ids as integers, whether it is recorded, and vendors' state."""

    trace_id: int
    span_id: int
    sampled: bool
    state: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of a record or an HTTP request."""
        flags = "01" if self.sampled else "00"
        found = {TRACEPARENT: f"00-{self.trace_id:032x}-{self.span_id:016x}-{flags}"}
        if self.state:
            found[TRACESTATE] = self.state
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTrace:
    """A request's own span, and the caller's parent span, if it named one."""

    own: TraceContext
    caller: TraceContext | None


def read_context(headers: Mapping[str, bytes]) -> TraceContext | None:
    """Return the context of headers; `None` if they have no readable one."""
    text = headers.get(TRACEPARENT, b"").decode("latin-1")
    found = _PARENT.fullmatch(text)
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == _NO_VERSION or (version == _FIRST_VERSION and more):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    state = headers.get(TRACESTATE, b"").decode("latin-1")
    return TraceContext(
        trace_id=trace_id,
        span_id=span_id,
        sampled=bool(int(flags, 16) & _SAMPLED),
        state=state if _STATE.fullmatch(state) else "",
    )


def trace_of(source: Source, address: ReplyAddress, ratio: float) -> RequestTrace:
    """Return the trace of a request. A caller's flag decides whether it is recorded; of other
    requests a share of `ratio` (0..1) is.
    """
    caller = read_context({header.name: header.value for header in address.headers})
    place = f"{source.place}@{source.timestamp}".encode()
    digest = hashlib.blake2b(place, digest_size=24).digest()
    trace_id = int.from_bytes(digest[:16], "big") or 1
    return RequestTrace(
        own=TraceContext(
            trace_id=caller.trace_id if caller else trace_id,
            span_id=int.from_bytes(digest[16:], "big") or 1,
            sampled=caller.sampled if caller else trace_id % _RATIO_RANGE < ratio * _RATIO_RANGE,
            state=caller.state if caller else "",
        ),
        caller=caller,
    )
