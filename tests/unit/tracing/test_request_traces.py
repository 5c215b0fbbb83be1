"""A request's spans: one tree in the caller's trace over all workers, without any content."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, messaging_attributes
from opentelemetry.trace import StatusCode

from core.kafka.incoming_message import Incoming
from schemas.topics import REQUESTS
from streams.agents.classify.handler import classify
from streams.agents.context.dependencies import Dependencies
from streams.flow.concurrency_limiter import ConcurrencyLimiter
from streams.flow.dispatcher import PartitionState, Work
from streams.providers.in_memory_provider import text_answer
from streams.providers.port import ChatCall, Completion, ErrorClass, ProviderError, Usage
from streams.tracing import names
from streams.tracing.in_memory_tracer import MemoryTracer
from streams.tracing.tracer import NO_TRACER, Tracer
from tests.unit.agents.world import World, deliver

TRACE, CALLER = 0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331
PARENT = f"00-{TRACE:032x}-{CALLER:016x}-01".encode()
SECRET = "the launch code is 4711"


def served(
    tracer: Tracer, *, script: Any = None, parent: bytes | None = PARENT, body: Any = None
) -> list[ChatCall]:
    """Classify a request and carry it to its end; the calls that it took."""
    calls: list[ChatCall] = []

    def answer(call: ChatCall, endpoint: Any) -> Completion | ProviderError:
        calls.append(call)
        return (script or (lambda _: text_answer(f"{SECRET}, or so it seems to be.")))(call)

    world = World(script=answer)

    async def run() -> None:
        deps: Dependencies = await world.worker()
        deps = replace(deps, observers=replace(deps.observers, tracer=tracer))
        headers = [] if parent is None else [("traceparent", parent), ("tracestate", b"v=1")]
        message = Incoming(
            topic=REQUESTS,
            partition=0,
            offset=3,
            timestamp=world.clock.now(),
            key=b"k",
            value=orjson.dumps(body or {"prompt": f"Is it true that {SECRET}?"}),
            headers=headers,
        )
        await classify(
            Work(message=message, slots=ConcurrencyLimiter(1), lane=PartitionState()), deps
        )
        await deliver(world, deps, set())

    asyncio.run(run())
    return calls


def by_name(tracer: MemoryTracer) -> dict[str, ReadableSpan]:
    return {span.name: span for span in tracer.spans}


def parent_of(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return span.context.span_id


def test_request_classification_hop_and_call_are_one_tree_under_the_caller() -> None:
    tracer = MemoryTracer()
    served(tracer)
    spans = by_name(tracer)
    request, call = spans["request"], spans["chat gpt-4o-mini"]
    assert parent_of(request) == CALLER
    assert parent_of(spans["classify"]) == parent_of(spans["hop simple"]) == id_of(request)
    assert parent_of(call) == id_of(spans["hop simple"])
    assert {span.context.trace_id for span in tracer.spans if span.context} == {TRACE}


def test_without_a_caller_s_context_the_request_is_the_root_of_its_own_trace() -> None:
    tracer = MemoryTracer()
    served(tracer, parent=None)
    request = by_name(tracer)["request"]
    assert request.parent is None
    assert len({span.context.trace_id for span in tracer.spans if span.context}) == 1
    assert parent_of(by_name(tracer)["hop simple"]) == id_of(request)


def test_a_call_span_follows_the_genai_conventions() -> None:
    tracer = MemoryTracer()
    served(tracer)
    attributes = by_name(tracer)["chat gpt-4o-mini"].attributes or {}
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] == "scripted"
    assert attributes["gen_ai.request.model"] == "gpt-4o-mini"
    assert attributes["gen_ai.usage.input_tokens"] == 10
    assert attributes["gen_ai.usage.output_tokens"] == 5
    assert attributes["gen_ai.response.finish_reasons"] == ("stop",)


def test_the_names_are_those_of_opentelemetry_s_own_package() -> None:
    known = [*vars(gen_ai_attributes).values(), *vars(messaging_attributes).values()]
    ours = [
        value
        for value in vars(names).values()
        if isinstance(value, str) and value.startswith(("gen_ai.", "messaging."))
    ]
    assert ours
    assert [name for name in ours if name not in known] == []


def test_no_span_contains_prompt_or_answer_text() -> None:
    tracer = MemoryTracer()
    served(tracer)
    served(tracer, script=lambda _: 1 / 0)
    for span in tracer.spans:
        assert SECRET not in span.to_json()


def test_a_call_that_fails_is_marked_with_its_class_and_the_request_with_its_end() -> None:
    tracer = MemoryTracer()
    served(tracer, script=lambda _: ProviderError(ErrorClass.SERVER, "x", status=500))
    calls = [span for span in tracer.spans if span.name.startswith("chat")]
    assert calls
    for call in calls:
        assert call.status.status_code is StatusCode.ERROR
        assert (call.attributes or {})["error.type"] == "server"
        assert (call.attributes or {})["http.response.status_code"] == 500
    request = by_name(tracer)["request"]
    assert request.status.status_code is StatusCode.ERROR
    assert (request.attributes or {})["sluice.status"] == "failed"


def test_a_refused_request_is_traced_to_its_end() -> None:
    tracer = MemoryTracer()
    served(tracer, body={"prompt": "x", "stream": True})
    assert (by_name(tracer)["classify"].attributes or {})["error.type"] == "invalid_request"
    assert (by_name(tracer)["request"].attributes or {})["sluice.status"] == "rejected"


def test_unknown_usage_is_left_out_and_not_zero() -> None:
    tracer = MemoryTracer()
    served(tracer, script=lambda _: replace(text_answer("It is Paris, of course."), usage=Usage()))
    attributes = by_name(tracer)["chat gpt-4o-mini"].attributes or {}
    assert "gen_ai.usage.input_tokens" not in attributes
    assert "sluice.cost_nano_usd" not in (by_name(tracer)["request"].attributes or {})


@pytest.mark.parametrize(
    ("tracer", "parent"),
    [
        (NO_TRACER, PARENT),
        (MemoryTracer(ratio=1.0), PARENT[:-1] + b"0"),
        (MemoryTracer(ratio=0.0), None),
    ],
)
def test_an_unsampled_request_has_no_span(tracer: Tracer, parent: bytes | None) -> None:
    assert served(tracer, parent=parent)
    assert not getattr(tracer, "spans", ())


def test_the_trace_context_is_sent_to_providers_only_if_enabled() -> None:
    (call,) = served(MemoryTracer())
    assert call.trace_headers == {}
    tracer = MemoryTracer(to_providers=True)
    (call,) = served(tracer)
    own = id_of(by_name(tracer)["chat gpt-4o-mini"])
    assert call.trace_headers == {
        "traceparent": f"00-{TRACE:032x}-{own:016x}-01",
        "tracestate": "v=1",
    }


def test_a_request_span_lasts_from_the_broker_timestamp_to_the_end() -> None:
    tracer = MemoryTracer()
    served(tracer)
    request = by_name(tracer)["request"]
    assert request.start_time is not None
    assert request.end_time is not None
    assert request.start_time % 1_000_000 == 0
    assert request.end_time >= request.start_time
