"""Evaluation of an answer: the policy's confidence, then a second opinion in the uncertainty band.

The confidence is unchanged if the second opinion has no usable result.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from schemas.alert_names import AlertName
from schemas.events import CONFIDENCE, CONSISTENT, JUDGED
from schemas.records import JUDGE, Attempt
from streams.agents.calls.internal_calls import call_model
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_progress import HopProgress
from streams.agents.quality.quality_signals import QualitySignal, publish_signal
from streams.routing.cascade import CascadeState, accepts_any_answer
from streams.routing.complexity import SCORE_DIGITS
from streams.routing.confidence.agreement import agreement
from streams.routing.confidence.scorers import Answered, ConfidenceResult, confidence_in
from streams.routing.confidence.second_opinion import (
    judge_body,
    read_judgement,
    sampling_body,
    with_second_opinion,
)
from streams.routing.decision_trace import SecondOpinionStep, Step
from streams.routing.draws import draw
from streams.routing.features.request_features import estimate_tokens
from streams.routing.policy import JUDGE as BY_JUDGE
from streams.routing.policy import UncertaintyBand
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The confidence in an answer, and the steps of routing that led to it."""

    result: ConfidenceResult
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Score of a second opinion, 0..1, or the reason for none, and the steps of its calls."""

    found: float | None = None
    failed: str | None = None
    steps: tuple[Step, ...] = ()


async def evaluate_answer(
    progress: HopProgress,
    attempt: Attempt,
    answered: Answered,
    state: CascadeState,
    deps: Dependencies,
) -> Evaluation:
    """Return the confidence in an answer; publish it as quality events."""
    hop, policy = progress.hop, progress.hop.snapshot.policy
    # Reading and evaluating a large answer take two turns of the event loop.
    await asyncio.sleep(0)
    result = confidence_in(answered, hop.snapshot.models[attempt.model], hop.snapshot)
    steps: tuple[Step, ...] = ()
    grey = policy.cascade.grey
    if grey is not None and _in_doubt(result, grey, state, hop.snapshot):
        drawn = draw(f"look/{attempt.call_id}")
        step = SecondOpinionStep(method=grey.look, draw=drawn, probability=grey.share)
        if step.drawn:
            look = await _get_second_opinion(progress, attempt, answered, grey, deps)
            step = replace(step, found=look.found, failed=look.failed)
            steps = look.steps
            if look.found is not None:
                await deps.observers.report(
                    deps.observers.drift_monitor.compared(
                        attempt.model, result.confidence, look.found
                    )
                )
                result = with_second_opinion(result, look.found, grey)
        steps = (step, *steps)
    signal = QualitySignal(
        signal=CONFIDENCE,
        name=policy.cascade.scorer,
        score=result.confidence,
        passed=result.confidence >= policy.threshold(attempt.tier, hop.message.feature),
        label=result.faults[0].check if result.faults else None,
        detail=result.parts,
    )
    await publish_signal(progress, attempt, signal, deps.kafka)
    return Evaluation(result=result, steps=steps)


def _in_doubt(
    result: ConfidenceResult,
    grey: UncertaintyBand,
    state: CascadeState,
    snapshot: RegistrySnapshot,
) -> bool:
    """Return whether a second opinion can matter: no fault, in the band, a cascade that goes on."""
    return (
        not result.faults
        and grey.holds(result.confidence)
        and not accepts_any_answer(state, snapshot)
    )


async def _get_second_opinion(
    progress: HopProgress,
    attempt: Attempt,
    answered: Answered,
    grey: UncertaintyBand,
    deps: Dependencies,
) -> SecondOpinion:
    if grey.look == BY_JUDGE:
        chance = grey.share if grey.share < 1 else None
        return await call_judge(progress, attempt, answered, deps, chance)
    return await _sample_again(progress, attempt, answered, grey.samples, deps)


async def call_judge(
    progress: HopProgress,
    attempt: Attempt,
    answered: Answered,
    deps: Dependencies,
    propensity: float | None = None,
) -> SecondOpinion:
    """Call the policy's judge about an answer, and publish its score. `propensity` is the
    probability of the call, if it was drawn.
    """
    snapshot = progress.hop.snapshot
    judge = snapshot.policy.judge
    if judge is None:
        return SecondOpinion(failed="not configured")
    body = judge_body(answered, snapshot.models[judge.model])
    spec = CallSpec(
        body=body,
        context_tokens=estimate_tokens(body),
        purpose=JUDGE,
        limit_ms=judge.timeout_ms,
        propensity=propensity,
    )
    result = await call_model(progress, spec, deps, model=judge.model)
    if result.completion is None:
        return SecondOpinion(failed=result.failed, steps=result.steps)
    found = read_judgement(result.completion.message)
    if found is None:
        await deps.observers.alerts.fire(
            AlertName.JUDGE_NONSENSE,
            judge.model,
            "the judge answered without a score; confidences are computed without it. "
            "Check policy.judge in the registry.",
        )
        return SecondOpinion(failed="nonsense", steps=result.steps)
    signal = QualitySignal(signal=JUDGED, name=judge.model, score=found)
    await publish_signal(progress, attempt, signal, deps.kafka)
    return SecondOpinion(found=found, steps=result.steps)


async def _sample_again(
    progress: HopProgress,
    attempt: Attempt,
    answered: Answered,
    samples: int,
    deps: Dependencies,
) -> SecondOpinion:
    """Call the same model again, and publish the agreement of its answers."""
    body = sampling_body(progress.hop.body)
    spec = CallSpec(body=body, context_tokens=estimate_tokens(body), purpose=JUDGE)
    results = await asyncio.gather(
        *(call_model(progress, spec, deps, model=attempt.model) for _ in range(samples))
    )
    steps = tuple(step for each in results for step in each.steps)
    agreed = [
        agreement(answered.message, each.completion.message) for each in results if each.completion
    ]
    if not agreed:
        return SecondOpinion(failed=results[0].failed, steps=steps)
    found = round(sum(agreed) / len(agreed), SCORE_DIGITS)
    signal = QualitySignal(
        signal=CONSISTENT, name=attempt.model, score=found, detail={"samples": len(agreed)}
    )
    await publish_signal(progress, attempt, signal, deps.kafka)
    return SecondOpinion(found=found, steps=steps)
