"""One provider call: journaled at its start, recorded at its end, for any outcome and purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.alert_port import Alerts
from core.clock import Clock
from schemas.alert_names import AlertName
from schemas.journal_headers import JournalKind
from schemas.records import BEFORE_HOPS, Attempt
from streams.agents.calls.accounting import book_call
from streams.agents.calls.answer_parts import AnswerParts, parts_sent
from streams.agents.calls.interrupted_calls import book_failed_call
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.ports import KafkaPorts
from streams.agents.context.spans import call_span, note_call, trace_headers
from streams.flow.handling_retries import is_environment
from streams.journal.admission import BegunCall
from streams.providers.exchange import EndedCall, chat_call, complete
from streams.providers.port import ErrorClass, Usage
from streams.providers.refusals.refused_parameters import RefusedParameters
from streams.providers.reliability.instance_load import CallInFlight, Instances
from streams.routing.parameters.answer_limits import answer_limit, requested_limit
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS, Candidate

LEASE_MARGIN_MS = 2_000
"""Time after a call's timeout in which its worker may publish the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Start of a call: broker time and the end of its lease, ms, and its expected nano-USD."""

    call_id: str
    at: int
    lease_until: int
    expected_nano: int | None


async def make_call(
    progress: HopProgress, candidate: Candidate, spec: CallSpec, deps: Dependencies
) -> tuple[Attempt, EndedCall]:
    """Call a candidate once. On return, and on an unexpected exception, the cost event is published
    and the call is in the hop's progress.

    Raises:
        RequestCancelledError: the caller cancelled the request; a call that began is recorded as
            interrupted.
    """
    progress.cancellation.check()
    call_id = deps.calls.call_id()
    try:
        return await _make_call(progress, candidate, spec, call_id, deps)
    except Exception as error:
        if not is_environment(error):
            await book_failed_call(progress, call_id, deps.calls, deps.kafka)
        raise


async def _make_call(
    progress: HopProgress, candidate: Candidate, spec: CallSpec, call_id: str, deps: Dependencies
) -> tuple[Attempt, EndedCall]:
    hop, model = progress.hop, candidate.model
    calls, clock = deps.calls, deps.kafka.clock
    longest = answer_limit(spec.body, model, spec.context_tokens)

    def cost_nano(output_tokens: int) -> int | None:
        usage = Usage(input_tokens=spec.context_tokens, output_tokens=output_tokens)
        return calls.pricing.cost_of(model, usage)[0]

    expected_nano = cost_nano(EXPECTED_OUTPUT_TOKENS)
    calls.budgets.reserve(call_id, hop.payer(model.name), expected_nano, lambda: cost_nano(longest))
    in_flight = calls.instances.begin(candidate, _expected_tokens(spec), clock.elapsed_ms())
    now, limits = clock.now(), hop.snapshot.policy.timeouts
    total_ms = max(min(limits.total_ms, spec.limit_ms, hop.time_left_ms(now)), 1.0)
    start = _Start(
        call_id=call_id,
        at=now,
        lease_until=now + int(total_ms) + LEASE_MARGIN_MS,
        expected_nano=expected_nano,
    )
    try:
        await _journal_start(progress, candidate, spec, start, deps)
    except BaseException:
        calls.instances.given_up(in_flight)
        calls.budgets.release(call_id)
        raise
    before = clock.elapsed_ms()
    try:
        async with parts_sent(_parts(progress, candidate, spec, call_id, deps.kafka)) as on_delta:
            call = chat_call(
                call_id,
                model,
                spec.body,
                limits,
                total_ms=total_ms,
                max_output_tokens=longest,
                refused=calls.refused_parameters.of(model.name),
                on_delta=on_delta,
            )
            with call_span(hop, candidate, spec, call, deps.observers.tracer) as span:
                headers = trace_headers(span, deps.observers.tracer)
                traced = replace(call, trace_headers=headers) if headers else call
                with progress.cancellation.interrupting():
                    completion, error = await complete(traced, candidate, calls.providers)
                note_call(span, completion, error)
    except BaseException:
        calls.instances.given_up(in_flight)
        raise
    ended = EndedCall(
        call_id=call_id,
        started_at=start.at,
        latency_ms=clock.elapsed_ms() - before,
        completion=completion,
        error=error,
        expected_nano=expected_nano,
    )
    await _report_faults(candidate, ended, deps.observers.alerts, calls.refused_parameters)
    our_limit_ms = total_ms if total_ms < limits.total_ms else None
    opened = _note_end(in_flight, ended, our_limit_ms, clock, calls.instances)
    attempt = await book_call(progress, candidate, spec, ended, deps)
    if opened:
        await _alert_down(candidate, attempt, deps.observers.alerts)
    return attempt, ended


def _parts(
    progress: HopProgress, candidate: Candidate, spec: CallSpec, call_id: str, kafka: KafkaPorts
) -> AnswerParts | None:
    """Return the sender of a call's parts; `None` if they are not wanted."""
    if not spec.stream or kafka.parts is None:
        return None
    address = progress.hop.message.reply_to
    return AnswerParts(address, call_id, candidate.model.name, kafka.parts)


async def _journal_start(
    progress: HopProgress, candidate: Candidate, spec: CallSpec, start: _Start, deps: Dependencies
) -> None:
    """Publish the call's start; return when the journal has it."""
    hop, kafka = progress.hop, deps.kafka
    progress.call_started(start.lease_until)
    _, record = hop.journal_record(
        JournalKind.STARTED,
        start.at,
        kafka.me,
        kafka.codecs,
        call_id=start.call_id,
        purpose=spec.purpose,
        lease_until=start.lease_until,
        provider=candidate.model.provider,
        request_model=candidate.model.name,
        instance=candidate.instance.name,
        expected_nano=start.expected_nano,
    )
    if deps.calls.journal_before_call:
        await (await kafka.publisher.publish(record))
    else:
        await progress.publish(record)
    begun = BegunCall(
        identity=hop.identity,
        hop=hop.message.hop,
        visit=hop.message.visit,
        call_id=start.call_id,
        owner=kafka.me,
        lease_until=start.lease_until,
        started_at=start.at,
        value=record.value or b"",
    )
    deps.calls.open_calls.begin(begun, hop.partition)
    if hop.message.hop != BEFORE_HOPS:
        hop.work.end_trial()


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
        instances.answered(in_flight, ended.latency_ms, _tokens_of(ended.usage), now)
        return False
    timed_out = error.error_class is ErrorClass.TIMEOUT
    if timed_out and our_limit_ms is not None and ended.latency_ms >= our_limit_ms:
        return instances.cut_short(in_flight, ended.latency_ms, now)
    after_ms = None if error.retry_after_s is None else error.retry_after_s * 1000
    return instances.failed(in_flight, error.error_class, after_ms, now)


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


def _expected_tokens(spec: CallSpec) -> int:
    """Return the tokens that a call may use, for limits."""
    requested = requested_limit(spec.body) or EXPECTED_OUTPUT_TOKENS
    return spec.context_tokens + min(requested, EXPECTED_OUTPUT_TOKENS)


def _tokens_of(usage: Usage | None) -> int | None:
    """Return the tokens that count against a limit; `None` if the provider did not report them."""
    if usage is None or usage.input_tokens is None or usage.output_tokens is None:
        return None
    return usage.input_tokens + usage.output_tokens
