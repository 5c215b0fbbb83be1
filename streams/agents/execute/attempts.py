"""Attempts of a hop: call the tier's candidates until an answer is accepted or the tier is
exhausted.

Routing decides every step (`streams.routing`); this module makes the calls and records the steps.
"""

from __future__ import annotations

from dataclasses import replace

from core.alert_port import Alerts
from core.clock import Clock
from schemas.alert_names import AlertName
from schemas.encoding import exact_json
from schemas.records import ANSWER, Answer, Attempt
from schemas.topics import MAX_ANSWER_BYTES
from streams.agents.calls.capacity import available_candidates, wait_for_capacity
from streams.agents.calls.expected_costs import expected_costs
from streams.agents.calls.provider_call import make_call
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import Ending, MovedOn, Replied
from streams.agents.context.ports import CallPorts, Pricing
from streams.agents.execute.exhaustion import exhausted, no_candidates, out_of_time
from streams.agents.quality.answer_evaluation import evaluate_answer
from streams.providers.exchange import EndedCall
from streams.providers.port import Completion, ErrorClass
from streams.routing.cascade import (
    Accept,
    CascadeState,
    accepts_any_answer,
    after_answer,
    best_answer,
    weighs_continuation,
)
from streams.routing.confidence.scorers import Answered
from streams.routing.decision_trace import AnswerStep, FailureStep
from streams.routing.draws import draw
from streams.routing.selection.candidates import Candidate
from streams.routing.selection.fallback import FailedCall, TierExhausted, after_failure
from streams.routing.snapshot import LOGPROBS

_LONGEST_ERROR = 300


async def run_attempts(progress: HopProgress, deps: Dependencies) -> Ending | None:
    """Work on a hop to its outcome; return `None` if another worker took it over meanwhile."""
    hop = progress.hop
    if hop.time_left_ms(deps.kafka.clock.now()) <= 0:
        return out_of_time(hop)
    first = await _next_with_capacity(progress, deps.calls, deps.kafka.clock)
    if not isinstance(first, Candidate):
        return first
    tenant = hop.message.tenant
    limits = hop.snapshot.limits_of(tenant)
    deps.calls.tenants.begin(tenant, limits, counts=hop.message.hop == 0)
    try:
        return await _call_until_answered(progress, first, deps)
    finally:
        deps.calls.tenants.end(tenant, limits)


async def _next_with_capacity(
    progress: HopProgress,
    calls: CallPorts,
    clock: Clock,
    preferred: Candidate | None = None,
) -> Candidate | Ending:
    """Return the preferred candidate, or the first one with capacity; without any, the outcome."""
    hop = progress.hop
    found = await wait_for_capacity(hop, progress.attempts, calls, clock)
    progress.decided(*found.steps)
    candidates = found.choice.candidates
    if not candidates:
        state = _cascade_state(hop, clock, calls.pricing)
        return no_candidates(hop, progress.attempts, found, state)
    return preferred if preferred is not None and preferred in candidates else candidates[0]


async def _call_until_answered(
    progress: HopProgress, candidate: Candidate, deps: Dependencies
) -> Ending | None:
    hop, failures = progress.hop, list[FailedCall]()
    deps.calls.retries.called()
    while True:
        spec = _spec(hop, candidate, streams=_streams(hop, deps))
        attempt, ended = await make_call(progress, candidate, spec, deps)
        if ended.completion is not None:
            return await _answered(progress, candidate, attempt, ended.completion, deps)
        failures.append(_failed(candidate, ended))
        await _alert_on_auth(candidate, ended, deps.observers.alerts)
        if hop.work.lost:
            return None
        if hop.time_left_ms(deps.kafka.clock.now()) <= 0:
            return out_of_time(hop)
        following = await _after(progress, ended, failures, deps.calls, deps.kafka.clock)
        if not isinstance(following, Candidate):
            return following
        candidate = following


async def _after(
    progress: HopProgress,
    ended: EndedCall,
    failures: list[FailedCall],
    calls: CallPorts,
    clock: Clock,
) -> Candidate | Ending:
    """Return the next candidate after a failure, once a pause is over, or the hop's outcome."""
    hop = progress.hop
    found = available_candidates(hop, progress.attempts, calls, clock)
    step = after_failure(
        failures,
        found.choice.candidates,
        hop.snapshot.policy.fallback,
        time_left_ms=hop.time_left_ms(clock.now()),
        jitter=draw(f"retry/{ended.call_id}"),
        may_retry=calls.retries.allows,
        # Calls of earlier hops that were refused for an unknown reason.
        refusals_before=sum(
            attempt.purpose == ANSWER and attempt.status == ErrorClass.BAD_REQUEST
            for attempt in hop.message.attempts
        ),
    )
    # An error holds no words of the provider's, so it may be stored.
    error = None if ended.error is None else str(ended.error)[:_LONGEST_ERROR]
    failure = FailureStep(call=ended.call_id, why=step.why, error=error)
    progress.decided(*found.steps, failure)
    if isinstance(step, TierExhausted):
        state = _cascade_state(hop, clock, calls.pricing)
        return exhausted(hop, progress.attempts, step, failures, state)
    calls.retries.retried()
    if step.pause_ms <= 0:
        return step.candidate
    await calls.sleep_ms(step.pause_ms)
    return await _next_with_capacity(progress, calls, clock, step.candidate)


def _failed(candidate: Candidate, ended: EndedCall) -> FailedCall:
    after = ended.error.retry_after_s if ended.error else None
    return FailedCall(
        candidate=candidate,
        error_class=ended.status,
        retry_after_ms=None if after is None else after * 1000,
        unsupported=ended.error.unsupported if ended.error else None,
        parameter=ended.error.parameter if ended.error else None,
    )


def _streams(hop: Hop, deps: Dependencies) -> bool:
    """Return whether the answer is sent in parts while it is written: the caller takes parts, and
    no other answer can become the reply.
    """
    if not hop.message.stream or hop.message.best is not None:
        return False
    state = _cascade_state(hop, deps.kafka.clock, deps.calls.pricing)
    return accepts_any_answer(state, hop.snapshot)


def _spec(hop: Hop, candidate: Candidate, *, streams: bool) -> CallSpec:
    """Return a call spec with the caller's body; adds `logprobs` if the cascade uses them."""
    wanted = hop.snapshot.policy.cascade.logprobs and LOGPROBS in candidate.model.capabilities
    body = {**hop.body, "logprobs": True} if wanted else hop.body
    return CallSpec(body=body, context_tokens=hop.context_tokens, stream=streams)


async def _answered(
    progress: HopProgress,
    candidate: Candidate,
    attempt: Attempt,
    completion: Completion,
    deps: Dependencies,
) -> Ending:
    hop = progress.hop
    answered = Answered(
        body=hop.body,
        message=completion.message,
        finish_reason=completion.finish_reason,
        logprobs=completion.logprobs,
    )
    clock = deps.kafka.clock
    state = _cascade_state(hop, clock, deps.calls.pricing)
    evaluation = await evaluate_answer(progress, attempt, answered, state, deps)
    result = evaluation.result
    progress.rated(attempt.call_id, result.confidence)
    progress.decided(*evaluation.steps)
    answer = _answer(hop, candidate, attempt.call_id, completion, result.confidence)
    if answer is None:
        too_large = TierExhausted(why="the answer is too large")
        return exhausted(hop, progress.attempts, too_large, (), state)
    state = replace(state, time_left_ms=hop.time_left_ms(clock.now()))
    step = after_answer(result, state, hop.snapshot)
    progress.decided(
        AnswerStep(
            call=attempt.call_id,
            confidence=result.confidence,
            parts=result.parts,
            faults=tuple(fault.check for fault in result.faults),
            why=step.why,
            success_probabilities=result.chances if state.costs else None,
            tier_costs=state.costs or None,
        )
    )
    if not isinstance(step, Accept):
        return MovedOn(tier=step.tier, answer=answer)
    best = best_answer([each for each in (hop.message.best, answer) if each]) or answer
    # A faulty answer has confidence 0, so an earlier one is better only without a fault.
    found = result.faults if best is answer else ()
    return Replied(answer=best, faults=tuple(f"{each.check}: {each.what}" for each in found))


def _answer(
    hop: Hop, candidate: Candidate, call_id: str, completion: Completion, confidence: float
) -> Answer | None:
    message = exact_json.dumps(completion.message)
    if len(message) > MAX_ANSWER_BYTES:
        return None
    # The cascade may ask for probabilities too; those are not for the caller.
    asked = bool(hop.body.get("logprobs"))
    logprobs = completion.token_logprobs if asked else None
    if logprobs is not None and len(message) + len(logprobs.encode()) > MAX_ANSWER_BYTES:
        logprobs = None
    usage = completion.usage
    return Answer(
        message=message.decode(),
        model=candidate.model.name,
        provider=candidate.model.provider,
        tier=hop.message.tier,
        finish_reason=completion.finish_reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        confidence=confidence,
        call_id=call_id,
        stop_sequence=completion.stop_sequence,
        logprobs=logprobs,
    )


def _cascade_state(hop: Hop, clock: Clock, pricing: Pricing) -> CascadeState:
    """Return the state of the cascade at the end of this hop."""
    message = hop.message
    state = CascadeState(
        tier=message.tier,
        hop=len(message.tiers_tried),
        time_left_ms=hop.time_left_ms(clock.now()),
        pinned=message.decision.model is not None,
        feature=message.feature,
        quality=message.quality,
    )
    if not weighs_continuation(state, hop.snapshot):
        return state
    costs = expected_costs(hop.context_tokens, hop.snapshot, pricing)
    return replace(state, costs=costs)


async def _alert_on_auth(candidate: Candidate, ended: EndedCall, alerts: Alerts) -> None:
    if ended.status == "auth":
        await alerts.fire(
            AlertName.PROVIDER_AUTH,
            f"{candidate.model.name}/{candidate.instance.name}",
            f"the provider refused our key, or there is none: {ended.error}",
        )
