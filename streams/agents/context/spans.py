"""The spans of a request: itself, its classification, its hops, its calls; none says its content.

```
request                  from the broker's time of the request to that of its outcome
├── classify             reading, checking, deciding
│   └── chat MODEL       a call of the llm classifier
└── hop TIER             from admission until its outcome is in the journal, once for each visit
    └── chat MODEL       each provider call, judges and shadows included
```
"""

from __future__ import annotations

from schemas.events import HopResult
from schemas.journal_headers import JournalKind
from schemas.records import Decision, ReplyAddress, Source, TierMessage
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.hop import Hop
from streams.flow.dispatcher import Work
from streams.providers.port import ChatCall, Completion, ProviderError
from streams.routing.selection.candidates import Candidate
from streams.tracing import names
from streams.tracing.tracer import NOTHING, Attributes, Span, SpanRole, Tracer


def classify_span(source: Source, address: ReplyAddress, tracer: Tracer) -> Span:
    """Open the span of classification."""
    trace = tracer.of_request(source, address)
    if trace is None:
        return NOTHING
    return tracer.begin("classify", SpanRole.CONSUMER, trace.own, _place(source))


def note_decision(span: Span, decision: Decision) -> None:
    """Set the decision on the span of classification."""
    if span.context is None:
        return
    span.note(
        {
            names.TIER: decision.tier,
            names.CLASSIFIER: decision.classifier,
            names.SCORE: decision.score,
            names.REGISTRY_VERSION: decision.registry_version,
        }
    )


def hop_span(work: Work, message: TierMessage, tracer: Tracer) -> Span:
    """Open the span of a hop, the parent of its calls."""
    trace = tracer.of_request(message.source, message.reply_to)
    if trace is None:
        return NOTHING
    source = Source(
        topic=work.message.topic,
        partition=work.message.partition,
        offset=work.message.offset,
        timestamp=work.message.timestamp,
    )
    return tracer.begin(
        f"hop {message.tier}",
        SpanRole.CONSUMER,
        trace.own,
        {
            **_place(source),
            names.REQUEST_ID: message.request_id,
            names.TENANT: message.tenant,
            names.TIER: message.tier,
            names.HOP: message.hop,
            names.VISIT: message.visit,
        },
    )


def call_span(
    hop: Hop, candidate: Candidate, spec: CallSpec, call: ChatCall, tracer: Tracer
) -> Span:
    """Open the span of one provider call."""
    if hop.trace is None:
        return NOTHING
    return tracer.begin(
        f"{names.CHAT} {candidate.model.provider_model}",
        SpanRole.CLIENT,
        hop.trace,
        {
            names.OPERATION: names.CHAT,
            names.PROVIDER: candidate.model.provider,
            names.REQUEST_MODEL: candidate.model.provider_model,
            names.MAX_TOKENS: call.max_output_tokens,
            names.INSTANCE: candidate.instance.name,
            names.PURPOSE: spec.purpose,
            names.CALL_ID: call.call_id,
        },
    )


def trace_headers(span: Span, tracer: Tracer) -> dict[str, str]:
    """Return the trace headers for a provider: none, unless a setting enables them."""
    context = span.context if tracer.to_providers else None
    return {} if context is None else context.headers


def note_call(span: Span, completion: Completion | None, error: ProviderError | None) -> None:
    """Set a call's completion, or its error's class, on its span."""
    if span.context is None:
        return
    if error is not None:
        span.note({names.HTTP_STATUS: error.status})
        span.fail(error.error_class.value)
    if completion is not None:
        usage = completion.usage
        span.note(
            {
                names.RESPONSE_MODEL: completion.response_model,
                names.RESPONSE_ID: completion.response_id,
                names.FINISH_REASONS: (completion.finish_reason,),
                names.INPUT_TOKENS: usage.input_tokens,
                names.OUTPUT_TOKENS: usage.output_tokens,
                names.CACHE_READ_TOKENS: usage.cache_read_tokens,
                names.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
                names.REASONING_TOKENS: usage.reasoning_tokens,
            }
        )


def keep_request(
    message: TierMessage, status: str, result: HopResult, now: int, tracer: Tracer
) -> None:
    """Publish the request's own span, once its outcome is in the journal."""
    trace = tracer.of_request(message.source, message.reply_to)
    if trace is None:
        return
    attributes: Attributes = {
        **_place(message.source),
        names.REQUEST_ID: message.request_id,
        names.TENANT: message.tenant,
        names.FEATURE: message.feature,
        names.STATUS: status,
        names.TIERS_TRIED: result.tiers_tried,
        names.CONFIDENCE: result.confidence,
        names.COST_NANO: result.cost_nano,
        names.REGISTRY_VERSION: message.decision.registry_version,
        names.ERROR_TYPE: None if status == JournalKind.REPLIED else status,
    }
    tracer.whole(trace, "request", attributes, began=message.source.timestamp, ended=now)


def _place(source: Source) -> Attributes:
    return {
        names.MESSAGING_SYSTEM: names.KAFKA,
        names.TOPIC: source.topic,
        names.PARTITION: str(source.partition),
        names.OFFSET: source.offset,
    }
