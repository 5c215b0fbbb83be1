"""A trace continues the caller's if that is readable, else it is derived from the request."""

from __future__ import annotations

import pytest

from schemas.records import Header, ReplyAddress, Source
from streams.tracing.context import RequestTrace, read_context, trace_of

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SOURCE = Source(topic="llm.requests.v1", partition=1, offset=7, timestamp=1_800_000_000_000)


def trace(ratio: float = 1.0, offset: int = 7, **headers: bytes) -> RequestTrace:
    address = ReplyAddress(
        topic="t",
        partition=None,
        key=None,
        format="json",
        headers=tuple(Header(name=name, value=value) for name, value in headers.items()),
        digest="",
    )
    source = Source(topic=SOURCE.topic, partition=1, offset=offset, timestamp=SOURCE.timestamp)
    return trace_of(source, address, ratio)


def test_a_parsed_context_is_serialized_unchanged() -> None:
    found = read_context({"traceparent": PARENT, "tracestate": b"a=1,b=2"})
    assert found is not None
    assert found.headers == {"traceparent": PARENT.decode(), "tracestate": "a=1,b=2"}


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"nonsense",
        PARENT.upper(),
        PARENT[:-1],
        PARENT + b"\r\nx: y",
        PARENT + b"\n",
        PARENT + b"-more",
        b"ff" + PARENT[2:],
        b"00-" + b"0" * 32 + PARENT[35:],
        PARENT[:36] + b"0" * 16 + b"-01",
        b"\xff" * 55,
        b"0" * 1_000,
    ],
)
def test_nonsense_is_no_context(nonsense: bytes) -> None:
    assert read_context({"traceparent": nonsense}) is None
    own = trace(traceparent=nonsense)
    assert own.caller is None
    assert own.own == trace().own


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    assert read_context({"traceparent": b"cc" + PARENT[2:] + b"-what-comes"}) is not None


@pytest.mark.parametrize("state", [b"a=\r\nb", b"\xff", b"a=" + b"x" * 600])
def test_a_state_that_may_not_be_sent_is_left_out(state: bytes) -> None:
    found = read_context({"traceparent": PARENT, "tracestate": state})
    assert found is not None
    assert found.state == ""


def test_a_request_span_has_its_caller_as_parent_and_keeps_the_sampled_flag() -> None:
    found = trace(ratio=0.0, traceparent=PARENT)
    assert found.caller is not None
    assert found.own.trace_id == found.caller.trace_id
    assert found.own.span_id != found.caller.span_id
    assert found.own.sampled
    assert not trace(ratio=1.0, traceparent=PARENT[:-1] + b"0").own.sampled


def test_a_redelivered_request_has_the_same_span_context() -> None:
    assert trace() == trace()
    assert trace(offset=8).own.trace_id != trace().own.trace_id
    assert trace(offset=8).own.span_id != trace().own.span_id


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 1.0])
def test_the_share_of_traced_requests_is_the_configured_one(ratio: float) -> None:
    sampled = sum(trace(ratio, offset).own.sampled for offset in range(4_000))
    assert sampled / 4_000 == pytest.approx(ratio, abs=0.03)
