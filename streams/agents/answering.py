"""A hop's work: ask the tier's candidates until one answer stands, or the tier is exhausted.

Routing decides every step (`streams.routing`); this makes the calls and keeps the record.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from schemas.records import Answer, Failure
from schemas.topics import MAX_ANSWER_BYTES
from streams.agents.calls import CallEnd, make_call
from streams.agents.dependencies import Dependencies
from streams.agents.ending_kinds import Ending, GaveUp, MovedOn, Replied
from streams.agents.errand import Errand
from streams.agents.expected_costs import expected_costs, model_costs
from streams.agents.hop_state import HopState
from streams.agents.judging import judge_answer
from streams.providers.base import Completion
from streams.routing.candidates import Candidate, Need, Shortlist, shortlist
from streams.routing.cascade import (
    Accept,
    Standing,
    after_answer,
    best_answer,
    next_tier,
    weighs_going_on,
)
from streams.routing.confidence import Answered, Verdict
from streams.routing.draws import draw
from streams.routing.fallback import Again, FailedCall, TierExhausted, after_failure
from streams.routing.features import estimate_tokens, needs_of
from streams.routing.landscape import LOGPROBS


async def work_out(hop: HopState, deps: Dependencies) -> Ending | None:
    """Work on a hop to its end; `None` when another worker has taken it over meanwhile."""
    now = deps.clock.now()
    if hop.time_left_ms(now) <= 0:
        return _out_of_time(hop)
    need = _need(hop, now)
    models = hop.landscape.models_of(hop.message.tier)
    costs = model_costs(models, need.context_tokens, deps)
    choice = shortlist(hop.message.tier, need, hop.landscape, deps.load.conditions(), costs)
    hop.steps.append(
        {"at": now, "time_left_ms": need.time_left_ms, "costs": costs, **choice.as_inputs()}
    )
    if not choice.candidates:
        return _exhausted(hop, TierExhausted(why="no model of the tier fits"), [], deps)
    return await _ask(hop, choice, deps)


async def _ask(hop: HopState, choice: Shortlist, deps: Dependencies) -> Ending | None:
    failures: list[FailedCall] = []
    candidate = choice.candidates[0]
    while True:
        end = await make_call(hop, candidate, _errand(hop, candidate), deps)
        if end.completion is not None:
            return await _answered(hop, candidate, end, end.completion, deps)
        hop.attempts.append(end.attempt)
        failures.append(_failed(candidate, end))
        await _alert_on_auth(candidate, end, deps)
        if hop.work.lost:
            return None
        left = hop.time_left_ms(deps.clock.now())
        if left <= 0:
            return _out_of_time(hop)
        step = after_failure(
            failures,
            choice.candidates,
            hop.landscape.policy.fallback,
            time_left_ms=left,
            jitter=draw(f"retry/{end.attempt.call_id}"),
        )
        hop.steps.append({"call": end.attempt.call_id, "why": step.why})
        if isinstance(step, TierExhausted):
            return _exhausted(hop, step, failures, deps)
        await _pause(step, deps)
        candidate = step.candidate


async def _pause(step: Again, deps: Dependencies) -> None:
    if step.pause_ms > 0:
        await deps.sleep_ms(step.pause_ms)


def _failed(candidate: Candidate, end: CallEnd) -> FailedCall:
    after = end.error.retry_after_s if end.error else None
    return FailedCall(
        candidate=candidate,
        error_class=end.attempt.status,
        retry_after_ms=None if after is None else after * 1000,
    )


def _need(hop: HopState, now: int) -> Need:
    message, body = hop.message, hop.body
    return Need(
        capabilities=needs_of(body),
        context_tokens=estimate_tokens(body),
        max_output_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
        time_left_ms=hop.time_left_ms(now),
        pinned_model=message.decision.model,
        spread=f"{message.tenant}/{message.request_id}/{message.hop}/{message.visit}",
    )


def _errand(hop: HopState, candidate: Candidate) -> Errand:
    """The caller's own body; where the cascade looks at logprobs, they are asked for as well."""
    wanted = hop.landscape.policy.cascade.logprobs and LOGPROBS in candidate.model.capabilities
    return Errand(body={**hop.body, "logprobs": True} if wanted else hop.body)


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
    standing = _standing(hop, deps)
    verdict = await judge_answer(hop, end.attempt, answered, standing, deps)
    hop.attempts[place] = replace(end.attempt, confidence=verdict.confidence)
    answer = _answer(hop, candidate, completion, verdict)
    if answer is None:
        return _exhausted(hop, TierExhausted(why="the answer is too large"), [], deps)
    hop.answers.append(answer)
    step = after_answer(verdict, replace(standing, time_left_ms=_left(hop, deps)), hop.landscape)
    seen: dict[str, Any] = {
        "call": end.attempt.call_id,
        "confidence": verdict.confidence,
        "parts": dict(verdict.parts),
        "faults": [fault.check for fault in verdict.faults],
        "why": step.why,
    }
    if standing.costs:
        seen |= {"chances": list(verdict.chances), "tier_costs": dict(standing.costs)}
    hop.steps.append(seen)
    if isinstance(step, Accept):
        best = best_answer([*_seen_before(hop), answer]) or answer
        return Replied(answer=best, degraded=False)
    return MovedOn(tier=step.tier, why=step.why)


def _left(hop: HopState, deps: Dependencies) -> float:
    return hop.time_left_ms(deps.clock.now())


def _answer(
    hop: HopState, candidate: Candidate, completion: Completion, verdict: Verdict
) -> Answer | None:
    message = orjson.dumps(completion.message)
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


def _standing(hop: HopState, deps: Dependencies) -> Standing:
    message = hop.message
    standing = Standing(
        tier=message.tier,
        hop=message.hop,
        time_left_ms=_left(hop, deps),
        pinned=message.decision.model is not None,
        feature=message.feature,
        quality=message.quality,
    )
    if not weighs_going_on(standing, hop.landscape):
        return standing
    return replace(standing, costs=expected_costs(hop.body, hop.landscape, deps))


def _seen_before(hop: HopState) -> list[Answer]:
    return [hop.message.best] if hop.message.best is not None else []


def _out_of_time(hop: HopState) -> Ending:
    """Past the deadline: the best answer seen, if there is one, else the request expires."""
    best = best_answer([*_seen_before(hop), *hop.answers])
    if best is not None:
        return Replied(answer=best, degraded=True)
    failure = Failure(
        code="deadline_exceeded",
        message="no model answered before the deadline",
        retryable=True,
    )
    return GaveUp(kind="expired", failure=failure)


def _exhausted(
    hop: HopState, step: TierExhausted, failures: list[FailedCall], deps: Dependencies
) -> Ending:
    """Nobody of the tier can answer: the next tier, else the best answer seen, else failure."""
    standing = _standing(hop, deps)
    following = None if step.refused else next_tier(standing, hop.landscape)
    if following is not None:
        return MovedOn(tier=following, why=step.why)
    best = best_answer([*_seen_before(hop), *hop.answers])
    if best is not None:
        return Replied(answer=best, degraded=True)
    return GaveUp(kind="failed", failure=_failure(step, failures))


def _failure(step: TierExhausted, failures: list[FailedCall]) -> Failure:
    classes = {failure.error_class for failure in failures}
    if classes == {"content_filter"}:
        return Failure(
            code="content_filtered", message="every model's filter refused it", retryable=False
        )
    if step.refused:
        return Failure(
            code="invalid_request",
            message="the provider refused the request as malformed",
            retryable=False,
        )
    return Failure(code="all_models_failed", message=step.why, retryable=True)


async def _alert_on_auth(candidate: Candidate, end: CallEnd, deps: Dependencies) -> None:
    if end.attempt.status == "auth":
        await deps.alerts.fire(
            "provider_auth",
            f"{candidate.model.name}/{candidate.instance.name}",
            f"the provider refused our key, or there is none: {end.error}",
        )
