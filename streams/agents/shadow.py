"""Shadow calls: another tier answers a request that is already answered, for comparison.

The draw is made before the request ends and is part of its decision. The call is made afterwards,
so it delays no reply. It is recorded as `shadow`, with the probability of its draw. The agreement
of both answers, and the judge's scores of both, are quality events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import orjson

from schemas.events import AGREES
from schemas.records import ANSWER, SHADOW, Answer, Attempt
from streams.agents.calls.internal_calls import call_model
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import Ending, Replied
from streams.agents.context.shadow_spend import ShadowSpendLimiter
from streams.agents.quality.answer_evaluation import call_judge
from streams.agents.quality.quality_signals import QualitySignal, publish_signal
from streams.routing.confidence.agreement import agreement
from streams.routing.confidence.scorers import Answered
from streams.routing.shadowing import Shadow, shadow_of


def draw_shadow(
    progress: HopProgress, ending: Ending, now: int, shadow_spend: ShadowSpendLimiter
) -> Shadow | None:
    """Draw the shadow call that follows this outcome, if any; `now` is broker time, ms."""
    hop = progress.hop
    if (
        not isinstance(ending, Replied)
        or ending.fell_back
        or hop.message.decision.model is not None
    ):
        return None
    policy = hop.snapshot.policy.shadow
    shadow = shadow_of(hop.identity.decode(), ending.answer.tier, hop.snapshot)
    if policy is None or shadow is None:
        return None
    allowed = shadow_spend.open(policy.nano_per_day, now)
    progress.decided(shadow.step(allowed=allowed))
    return shadow if allowed and shadow.tier is not None else None


async def make_shadow(
    ended: HopProgress, ending: Ending, shadow: Shadow, deps: Dependencies
) -> None:
    """Call the other tier, and compare its answer with the given one.

    The hop has ended. The shadow's calls and records are a progress of their own.
    """
    hop = ended.hop
    if not isinstance(ending, Replied) or shadow.tier is None or hop.work.lost:
        return
    progress = HopProgress(hop=hop, publisher=deps.kafka.publisher)
    async with progress.one_try():
        spec = CallSpec(
            body=hop.body,
            context_tokens=hop.context_tokens,
            purpose=SHADOW,
            propensity=shadow.probability,
        )
        result = await call_model(progress, spec, deps, tier=shadow.tier)
        if result.completion is not None and result.attempt is not None:
            given = _call_of(ending.answer, ended.attempts)
            message = orjson.loads(ending.answer.message)
            found = agreement(message, result.completion.message)
            below = hop.snapshot.tiers.index(given.tier) < hop.snapshot.tiers.index(shadow.tier)
            weaker, stronger = (given, result.attempt) if below else (result.attempt, given)
            signal = QualitySignal(
                signal=AGREES,
                name=stronger.model,
                score=found,
                detail={
                    "tier": shadow.tier,
                    "draw": shadow.draw,
                    "probability": shadow.probability,
                },
            )
            await publish_signal(progress, weaker, signal, deps.kafka)
            if hop.snapshot.policy.judge is not None:
                other = Answered(
                    body=hop.body,
                    message=result.completion.message,
                    finish_reason=result.completion.finish_reason,
                )
                mine = replace(other, message=message, finish_reason=ending.answer.finish_reason)
                for attempt, answered in ((result.attempt, other), (given, mine)):
                    await call_judge(progress, attempt, answered, deps, shadow.probability)
        for attempt in progress.attempts:
            deps.shadow_spend.spent(attempt.cost_nano)
        await progress.acknowledged()


def _call_of(answer: Answer, attempts: Sequence[Attempt]) -> Attempt:
    """Return the call whose answer was given."""
    return next(
        each
        for each in reversed(attempts)
        if each.purpose == ANSWER and each.model == answer.model and each.status == "ok"
    )
