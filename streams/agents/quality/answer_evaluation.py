"""Evaluation of an answer: the policy's confidence, then a second opinion in the uncertainty band.

The confidence is unchanged if the second opinion has no usable result.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from schemas.alert_names import AlertName
from schemas.events import CONFIDENCE, CONSISTENT, JUDGED
from schemas.records import JUDGE, Attempt
from streams.agents.calls.internal_calls import ask_model
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.quality.quality_signals import QualitySignal, publish_signal
from streams.routing.cascade import CascadeState, next_tier
from streams.routing.complexity import SCORE_DIGITS
from streams.routing.confidence.agreement import agreement
from streams.routing.confidence.scorers import Answered, ConfidenceResult, confidence_in
from streams.routing.confidence.second_opinion import (
    judge_body,
    looked_at,
    read_judgement,
    sampling_body,
)
from streams.routing.decision_trace import SecondOpinionStep
from streams.routing.draws import draw
from streams.routing.policy import JUDGE as BY_JUDGE
from streams.routing.policy import UncertaintyBand
from streams.routing.snapshot import RegistrySnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """Score of a second opinion, 0..1, or the reason for none."""

    found: float | None = None
    failed: str | None = None


async def evaluate_answer(
    hop: HopState, attempt: Attempt, answered: Answered, state: CascadeState, deps: Dependencies
) -> ConfidenceResult:
    """Return the confidence in an answer; publish it as quality events, and add it to the steps."""
    policy = hop.snapshot.policy
    # Reading and evaluating a large answer take two turns of the event loop.
    await asyncio.sleep(0)
    verdict = confidence_in(answered, hop.snapshot.models[attempt.model], hop.snapshot)
    grey = policy.cascade.grey
    if grey is not None and _in_doubt(verdict, grey, state, hop.snapshot):
        found = await _look_again(hop, attempt, answered, grey, deps)
        if found is not None:
            await deps.observers.report(
                deps.observers.drift_monitor.compared(attempt.model, verdict.confidence, found)
            )
        verdict = verdict if found is None else looked_at(verdict, found, grey)
    signal = QualitySignal(
        signal=CONFIDENCE,
        name=policy.cascade.scorer,
        score=verdict.confidence,
        passed=verdict.confidence >= policy.threshold(attempt.tier, hop.message.feature),
        label=verdict.faults[0].check if verdict.faults else None,
        detail=verdict.parts,
    )
    await publish_signal(hop, attempt, signal, deps.kafka)
    return verdict


def _in_doubt(
    verdict: ConfidenceResult,
    grey: UncertaintyBand,
    state: CascadeState,
    snapshot: RegistrySnapshot,
) -> bool:
    """Return whether a second opinion can matter: no fault, in the band, another tier available."""
    return (
        not verdict.faults
        and grey.holds(verdict.confidence)
        and next_tier(state, snapshot) is not None
    )


async def _look_again(
    hop: HopState, attempt: Attempt, answered: Answered, grey: UncertaintyBand, deps: Dependencies
) -> float | None:
    drawn = draw(f"look/{attempt.call_id}")
    step = SecondOpinionStep(method=grey.look, draw=drawn, probability=grey.share)
    place = len(hop.steps)
    hop.steps.append(step)
    if not step.drawn:
        return None
    if grey.look == BY_JUDGE:
        chance = grey.share if grey.share < 1 else None
        look = await ask_judge(hop, attempt, answered, deps, chance)
    else:
        look = await _ask_again(hop, attempt, answered, grey, deps)
    hop.steps[place] = replace(step, found=look.found, failed=look.failed)
    return look.found


async def ask_judge(
    hop: HopState,
    attempt: Attempt,
    answered: Answered,
    deps: Dependencies,
    propensity: float | None = None,
) -> SecondOpinion:
    """Call the policy's judge about an answer, and publish its score. `propensity` is the
    probability of the call, if it was drawn.
    """
    judge = hop.snapshot.policy.judge
    if judge is None:
        return SecondOpinion(failed="not configured")
    body = judge_body(answered, hop.snapshot.models[judge.model])
    spec = CallSpec(body=body, purpose=JUDGE, limit_ms=judge.timeout_ms, propensity=propensity)
    result = await ask_model(hop, judge.model, spec, deps)
    if result.completion is None:
        return SecondOpinion(failed=result.failed)
    found = read_judgement(result.completion.message)
    if found is None:
        await deps.observers.alerts.fire(
            AlertName.JUDGE_NONSENSE,
            judge.model,
            "the judge answered without a score; confidences are computed without it. "
            "Check policy.judge in the registry.",
        )
        return SecondOpinion(failed="nonsense")
    signal = QualitySignal(signal=JUDGED, name=judge.model, score=found)
    await publish_signal(hop, attempt, signal, deps.kafka)
    return SecondOpinion(found=found)


async def _ask_again(
    hop: HopState, attempt: Attempt, answered: Answered, grey: UncertaintyBand, deps: Dependencies
) -> SecondOpinion:
    """Call the same model again, and publish the agreement of its answers."""
    spec = CallSpec(body=sampling_body(hop.body), purpose=JUDGE)
    result = await asyncio.gather(
        *(ask_model(hop, attempt.model, spec, deps) for _ in range(grey.samples))
    )
    agreed = [
        agreement(answered.message, each.completion.message) for each in result if each.completion
    ]
    if not agreed:
        return SecondOpinion(failed=result[0].failed)
    found = round(sum(agreed) / len(agreed), SCORE_DIGITS)
    signal = QualitySignal(
        signal=CONSISTENT, name=attempt.model, score=found, detail={"samples": len(agreed)}
    )
    await publish_signal(hop, attempt, signal, deps.kafka)
    return SecondOpinion(found=found)
