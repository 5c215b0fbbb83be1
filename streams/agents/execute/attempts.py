"""Attempts of a hop: call the tier's candidates until an answer is accepted or the tier is
exhausted.

Routing decides every step (`streams.routing`); this module makes the calls and records the trace.
"""

from __future__ import annotations

from dataclasses import replace

from core.alert_port import Alerts
from core.clock import Clock
from schemas.alert_names import AlertName
from schemas.encoding import exact_json
from schemas.records import ANSWER, Answer
from schemas.topics import MAX_ANSWER_BYTES
from streams.agents.calls.capacity import available_candidates, expected_tokens, wait_for_capacity
from streams.agents.calls.expected_costs import expected_costs, model_costs
from streams.agents.calls.provider_call import CallEnd, make_call
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import Ending, MovedOn, Replied
from streams.agents.context.ports import CallPorts, KafkaPorts, Pricing
from streams.agents.execute.exhaustion import answers_of, exhausted, no_candidates, out_of_time
from streams.agents.quality.answer_evaluation import evaluate_answer
from streams.providers.port import Completion, ErrorClass
from streams.routing.cascade import (
    Accept,
    CascadeState,
    after_answer,
    best_answer,
    weighs_continuation,
)
from streams.routing.confidence.scorers import Answered, ConfidenceResult
from streams.routing.decision_trace import AnswerStep, FailureStep
from streams.routing.draws import draw
from streams.routing.parameters.answer_limits import asked_limit
from streams.routing.selection.candidates import Candidate
from streams.routing.selection.fallback import FailedCall, TierExhausted, after_failure
from streams.routing.snapshot import LOGPROBS

_LONGEST_ERROR = 300


async def run_attempts(hop: HopState, deps: Dependencies) -> Ending | None:
    """Work on a hop to its outcome; return `None` if another worker took it over meanwhile."""
    if _left(hop, deps.kafka.clock) <= 0:
        return out_of_time(hop)
    choice = await wait_for_capacity(hop, deps.calls, deps.kafka)
    if not choice.candidates:
        return no_candidates(
            hop, choice, cascade_state(hop, deps.kafka.clock, deps.calls.pricing), deps.kafka.clock
        )
    tenant = hop.message.tenant
    limits = hop.snapshot.limits_of(tenant)
    deps.calls.tenants.begin(tenant, limits, counts=hop.message.hop == 0)
    try:
        return await _ask(hop, choice.candidates[0], deps)
    finally:
        deps.calls.tenants.end(tenant, limits)


async def _ask(hop: HopState, candidate: Candidate, deps: Dependencies) -> Ending | None:
    failures: list[FailedCall] = []
    deps.calls.retries.called()
    while True:
        end = await make_call(hop, candidate, _spec(hop, candidate, deps.calls.pricing), deps)
        if end.completion is not None:
            return await _answered(hop, candidate, end, end.completion, deps)
        hop.attempts.append(end.attempt)
        failures.append(_failed(candidate, end))
        await _alert_on_auth(candidate, end, deps.observers.alerts)
        if hop.work.lost:
            return None
        if _left(hop, deps.kafka.clock) <= 0:
            return out_of_time(hop)
        following = await _after(hop, end, failures, deps.calls, deps.kafka)
        if not isinstance(following, Candidate):
            return following
        candidate = following


async def _after(
    hop: HopState, end: CallEnd, failures: list[FailedCall], calls: CallPorts, kafka: KafkaPorts
) -> Candidate | Ending:
    """Return the next candidate after a failure, once a pause is over, or the hop's outcome."""
    choice = available_candidates(hop, calls, kafka)
    step = after_failure(
        failures,
        choice.candidates,
        hop.snapshot.policy.fallback,
        time_left_ms=_left(hop, kafka.clock),
        jitter=draw(f"retry/{end.attempt.call_id}"),
        may_retry=calls.retries.allows,
        refusals_before=_refusals_before(hop),
    )
    hop.steps.append(
        FailureStep(
            call=end.attempt.call_id,
            why=step.why,
            # It holds no words of the provider's, so it may be stored.
            error=None if end.error is None else str(end.error)[:_LONGEST_ERROR],
        )
    )
    if isinstance(step, TierExhausted):
        return exhausted(
            hop, step, failures, cascade_state(hop, kafka.clock, calls.pricing), kafka.clock
        )
    calls.retries.retried()
    if step.pause_ms <= 0:
        return step.candidate
    await calls.sleep_ms(step.pause_ms)
    again = await wait_for_capacity(hop, calls, kafka)
    if step.candidate in again.candidates:
        return step.candidate
    if again.candidates:
        return again.candidates[0]
    return no_candidates(hop, again, cascade_state(hop, kafka.clock, calls.pricing), kafka.clock)


def _failed(candidate: Candidate, end: CallEnd) -> FailedCall:
    after = end.error.retry_after_s if end.error else None
    return FailedCall(
        candidate=candidate,
        error_class=end.attempt.status,
        retry_after_ms=None if after is None else after * 1000,
        unsupported=end.error.unsupported if end.error else None,
    )


def _refusals_before(hop: HopState) -> int:
    """Count calls of earlier hops that were refused for an unknown reason."""
    return sum(
        attempt.purpose == ANSWER and attempt.status == ErrorClass.BAD_REQUEST
        for attempt in hop.message.attempts
    )


def _spec(hop: HopState, candidate: Candidate, pricing: Pricing) -> CallSpec:
    """Return a call spec with the caller's body; adds `logprobs` if the cascade uses them."""
    wanted = hop.snapshot.policy.cascade.logprobs and LOGPROBS in candidate.model.capabilities
    body = {**hop.body, "logprobs": True} if wanted else hop.body
    most = asked_limit(body)
    model = candidate.model
    return CallSpec(
        body=body,
        expected_tokens=expected_tokens(hop.context_tokens, most),
        expected_nano=model_costs((model,), hop.context_tokens, pricing)[model.name],
    )


async def _answered(
    hop: HopState, candidate: Candidate, end: CallEnd, completion: Completion, deps: Dependencies
) -> Ending:
    answered = Answered(
        body=hop.body,
        message=completion.message,
        finish_reason=completion.finish_reason,
        logprobs=completion.logprobs,
    )
    hop.attempts.append(end.attempt)
    place = len(hop.attempts) - 1
    state = cascade_state(hop, deps.kafka.clock, deps.calls.pricing)
    verdict = await evaluate_answer(hop, end.attempt, answered, state, deps)
    hop.attempts[place] = replace(end.attempt, confidence=verdict.confidence)
    answer = _answer(hop, candidate, completion, verdict)
    if answer is None:
        too_large = TierExhausted(why="the answer is too large")
        return exhausted(hop, too_large, (), state, deps.kafka.clock)
    hop.answers.append(answer)
    step = after_answer(
        verdict, replace(state, time_left_ms=_left(hop, deps.kafka.clock)), hop.snapshot
    )
    hop.steps.append(
        AnswerStep(
            call=end.attempt.call_id,
            confidence=verdict.confidence,
            parts=verdict.parts,
            faults=tuple(fault.check for fault in verdict.faults),
            why=step.why,
            success_probabilities=verdict.chances if state.costs else None,
            tier_costs=state.costs or None,
        )
    )
    if isinstance(step, Accept):
        best = best_answer(answers_of(hop)) or answer
        # A faulty answer has confidence 0, so an earlier one is better only without a fault.
        found = verdict.faults if best is answer else ()
        return Replied(answer=best, faults=tuple(f"{each.check}: {each.what}" for each in found))
    return MovedOn(tier=step.tier, why=step.why)


def _left(hop: HopState, clock: Clock) -> float:
    return hop.time_left_ms(clock.now())


def _answer(
    hop: HopState, candidate: Candidate, completion: Completion, verdict: ConfidenceResult
) -> Answer | None:
    message = exact_json.dumps(completion.message)
    if len(message) > MAX_ANSWER_BYTES:
        return None
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
        confidence=verdict.confidence,
    )


def cascade_state(hop: HopState, clock: Clock, pricing: Pricing) -> CascadeState:
    """Return the state of the cascade at the end of this hop."""
    message = hop.message
    state = CascadeState(
        tier=message.tier,
        hop=len(message.tiers_tried),
        time_left_ms=_left(hop, clock),
        pinned=message.decision.model is not None,
        feature=message.feature,
        quality=message.quality,
    )
    if not weighs_continuation(state, hop.snapshot):
        return state
    return replace(state, costs=expected_costs(hop.body, hop.snapshot, pricing))


async def _alert_on_auth(candidate: Candidate, end: CallEnd, alerts: Alerts) -> None:
    if end.attempt.status == "auth":
        await alerts.fire(
            AlertName.PROVIDER_AUTH,
            f"{candidate.model.name}/{candidate.instance.name}",
            f"the provider refused our key, or there is none: {end.error}",
        )
