"""One provider call: journaled at its start, recorded at its end, for any outcome and purpose."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from core.alert_port import Alerts
from core.clock import Clock
from schemas.alert_names import AlertName
from schemas.errors import SluiceError
from schemas.journal_headers import JournalKind
from schemas.records import ANSWER, BEFORE_HOPS, Attempt
from streams.agents.calls.accounting import EndedCall, book_call
from streams.agents.calls.budget_admission import payer_of
from streams.agents.calls.interrupted_calls import book_failed_call
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.ports import CallPorts, KafkaPorts
from streams.agents.context.spans import call_span, note_call, trace_headers
from streams.flow.handling_retries import is_environment
from streams.journal.partition_journal import BegunCall
from streams.providers.port import (
    ChatCall,
    Completion,
    Endpoint,
    ErrorClass,
    ProviderError,
    Timeouts,
    Usage,
)
from streams.providers.refusals.adapter_faults import adapter_fault
from streams.providers.refusals.refused_parameters import RefusedParameters
from streams.providers.reliability.instance_load import CallInFlight, Instances
from streams.routing.features.request_features import estimate_tokens
from streams.routing.parameters.answer_limits import answer_limit
from streams.routing.parameters.extra_body import with_listed_extra
from streams.routing.selection.candidates import Candidate

log = logging.getLogger(__name__)

LEASE_MARGIN_MS = 2_000
"""Time after a call's timeout in which its worker may publish the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """End of a call: a completion or an error."""

    attempt: Attempt
    completion: Completion | None
    error: ProviderError | None


async def make_call(
    hop: HopState, candidate: Candidate, spec: CallSpec, deps: Dependencies
) -> CallEnd:
    """Call a candidate once. On return, and on an unexpected exception, the cost event is
    published.
    """
    call_id = deps.calls.call_id()
    try:
        return await _make_call(hop, candidate, spec, call_id, deps)
    except Exception as error:
        if not is_environment(error):
            await book_failed_call(hop, call_id, deps.calls, deps.kafka)
        raise


async def _make_call(
    hop: HopState, candidate: Candidate, spec: CallSpec, call_id: str, deps: Dependencies
) -> CallEnd:
    context_tokens = _context_tokens(hop, spec)
    longest = answer_limit(spec.body, candidate.model, context_tokens)

    def most_nano() -> int | None:
        usage = Usage(input_tokens=context_tokens, output_tokens=longest)
        return deps.calls.pricing.cost_of(candidate.model, usage)[0]

    payer = payer_of(hop, candidate.model.name)
    deps.calls.budgets.reserve(call_id, payer, spec.expected_nano, most_nano)
    started_at = deps.kafka.clock.now()
    in_flight = deps.calls.instances.begin(
        candidate, spec.expected_tokens, deps.kafka.clock.elapsed_ms()
    )
    limits = hop.snapshot.policy.timeouts
    total_ms = min(limits.total_ms, hop.time_left_ms(started_at))
    if spec.limit_ms is not None:
        total_ms = min(total_ms, spec.limit_ms)
    total_ms = max(total_ms, 1.0)
    hop.lease_until = started_at + int(total_ms) + LEASE_MARGIN_MS
    try:
        await _journal_start(hop, candidate, spec, deps.calls, deps.kafka, call_id=call_id)
    except BaseException:
        deps.calls.instances.given_up(in_flight)
        deps.calls.budgets.release(call_id)
        raise
    call = ChatCall(
        call_id=call_id,
        model=candidate.model.provider_model,
        body=with_listed_extra(spec.body, candidate.model),
        timeouts=Timeouts(
            connect=limits.connect_ms / 1000,
            read=limits.read_ms / 1000,
            total=total_ms / 1000,
        ),
        max_output_tokens=longest,
        unsupported=candidate.model.unsupported
        | deps.calls.refused_parameters.of(candidate.model.name),
    )
    before = deps.kafka.clock.elapsed_ms()
    try:
        with call_span(hop, candidate, spec, call, deps.observers.tracer) as span:
            told = trace_headers(span, deps.observers.tracer)
            asked = replace(call, trace_headers=told) if told else call
            completion, error = await _ask(candidate, asked, in_flight, deps)
            note_call(span, completion, error)
    except Exception:
        deps.calls.instances.given_up(in_flight)
        raise
    latency_ms = deps.kafka.clock.elapsed_ms() - before
    hop.provider_ms += latency_ms
    ended = EndedCall(
        call_id=call_id,
        started_at=started_at,
        latency_ms=latency_ms,
        completion=completion,
        error=error,
    )
    await _report_faults(candidate, ended, deps.observers.alerts, deps.calls.refused_parameters)
    opened = _note_end(
        in_flight,
        ended,
        total_ms if total_ms < limits.total_ms else None,
        deps.kafka.clock,
        deps.calls.instances,
    )
    attempt = await book_call(hop, candidate, spec, ended, deps)
    if opened:
        await _alert_down(candidate, attempt, deps.observers.alerts)
    return CallEnd(attempt=attempt, completion=completion, error=error)


async def _ask(
    candidate: Candidate, call: ChatCall, in_flight: CallInFlight, deps: Dependencies
) -> tuple[Completion | None, ProviderError | None]:
    try:
        provider = deps.calls.provider(candidate.model.provider)
        return await provider.complete(call, _endpoint(candidate)), None
    except ProviderError as failure:
        return None, failure
    except SluiceError as failure:
        return None, ProviderError(ErrorClass.AUTH, str(failure), sent=False)
    except Exception as failure:
        log.exception("provider %s raised an unexpected error", candidate.model.provider)
        return None, adapter_fault(failure, "making a call", sent=True)
    except BaseException:
        deps.calls.instances.given_up(in_flight)
        raise


def _note_end(
    in_flight: CallInFlight,
    ended: EndedCall,
    our_limit_ms: float | None,
    clock: Clock,
    instances: Instances,
) -> bool:
    """Update the instance's limits and health; return whether its circuit opened. `our_limit_ms` is
    the request's remaining time if that was less than the timeout of a call.
    """
    now, error = clock.elapsed_ms(), ended.error
    if error is None:
        usage = ended.completion.usage if ended.completion else None
        instances.answered(in_flight, ended.latency_ms, tokens_of(usage), now)
        return False
    timed_out = error.error_class is ErrorClass.TIMEOUT
    if timed_out and our_limit_ms is not None and ended.latency_ms >= our_limit_ms:
        return instances.cut_short(in_flight, ended.latency_ms, now)
    after_ms = None if error.retry_after_s is None else error.retry_after_s * 1000
    return instances.failed(in_flight, error.error_class, after_ms, now)


def _context_tokens(hop: HopState, spec: CallSpec) -> int:
    return hop.context_tokens if spec.purpose == ANSWER else estimate_tokens(spec.body)


async def _report_faults(
    candidate: Candidate, ended: EndedCall, alerts: Alerts, refused_parameters: RefusedParameters
) -> None:
    """Record a parameter that the model refused, and raise alerts for it and for adapter faults."""
    error, model = ended.error, candidate.model.name
    if error is None:
        return
    if error.error_class is ErrorClass.ADAPTER_FAULT:
        await alerts.fire(
            AlertName.ADAPTER_FAULT,
            f"{candidate.model.provider}/{model}",
            f"{error}. Requests fall back to other models; report this to the adapter's "
            "maintainers.",
        )
    if error.unsupported is not None:
        refused_parameters.learn(model, error.unsupported)
        await alerts.fire(
            AlertName.UNSUPPORTED_PARAMETER,
            f"{model}/{error.unsupported}",
            f"{model} rejected the parameter {error.unsupported}; this worker omits it in further "
            f"calls. Add it to models.{model}.unsupported in the registry.",
        )


async def _alert_down(candidate: Candidate, attempt: Attempt, alerts: Alerts) -> None:
    model, instance = candidate.model.name, candidate.instance.name
    await alerts.fire(
        AlertName.PROVIDER_DOWN,
        f"{model}/{instance}",
        f"calls of {model} at {instance} fail ({attempt.status}); its circuit is open, and probes "
        "close it when the instance recovers",
    )


def tokens_of(usage: Usage | None) -> int | None:
    """Return the tokens that count against a limit; `None` if the provider did not report them."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return usage.input_tokens + usage.output_tokens


def _endpoint(candidate: Candidate) -> Endpoint:
    instance = candidate.instance
    return Endpoint(
        name=instance.name,
        base_url=instance.base_url,
        api_key_env=instance.api_key_env,
        api_version=instance.api_version,
    )


async def _journal_start(
    hop: HopState,
    candidate: Candidate,
    spec: CallSpec,
    calls: CallPorts,
    kafka: KafkaPorts,
    *,
    call_id: str,
) -> None:
    event = hop.outcome(
        JournalKind.STARTED,
        kafka.clock,
        kafka.me,
        call_id=call_id,
        purpose=spec.purpose,
        lease_until=hop.lease_until,
        provider=candidate.model.provider,
        request_model=candidate.model.name,
        instance=candidate.instance.name,
        expected_nano=spec.expected_nano,
    )
    headers = hop.journal_headers(
        JournalKind.STARTED, kafka.me, call_id=call_id, lease_until=hop.lease_until
    )
    record = hop.journal_record(event, headers, kafka.codecs)
    under_way = await kafka.publisher.publish(record)
    call = BegunCall(
        identity=hop.message.key,
        hop=hop.message.hop,
        visit=hop.message.visit,
        call_id=call_id,
        owner=kafka.me,
        lease_until=hop.lease_until,
        started_at=event.at,
        value=record.value or b"",
    )
    if calls.journal_before_call:
        await under_way
    else:
        hop.pending.append(under_way)
    calls.open_calls.begin(call, hop.partition)
    if hop.message.hop != BEFORE_HOPS:
        hop.work.end_trial()
