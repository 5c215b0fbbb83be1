"""Shadow calls: another tier answers a request that is already answered, for comparison.

The draw is made before the request ends and is part of its decision. The call is made afterwards,
so it delays no reply. It is recorded as `shadow`, with the probability of its draw. The agreement
of both answers, and the judge's scores of both, are quality events.
"""

from __future__ import annotations

from dataclasses import replace

import orjson

from core.clock import Clock
from schemas.events import AGREES
from schemas.records import ANSWER, SHADOW, Answer, Attempt
from streams.agents.calls.internal_calls import ask_tier
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import Ending, Replied
from streams.agents.context.shadow_spend import ShadowSpendLimiter
from streams.agents.quality.answer_evaluation import ask_judge
from streams.agents.quality.quality_signals import QualitySignal, publish_signal
from streams.routing.confidence.agreement import agreement
from streams.routing.confidence.scorers import Answered
from streams.routing.shadowing import Shadow, shadow_of


def draw_shadow(
    hop: HopState, ending: Ending, clock: Clock, shadow_spend: ShadowSpendLimiter
) -> Shadow | None:
    """Draw the shadow call that follows this outcome, if any; the draw joins the hop's steps."""
    if (
        not isinstance(ending, Replied)
        or ending.fell_back
        or hop.message.decision.model is not None
    ):
        return None
    policy = hop.snapshot.policy.shadow
    shadow = shadow_of(hop.message.key.decode(), ending.answer.tier, hop.snapshot)
    if policy is None or shadow is None:
        return None
    allowed = shadow_spend.open(policy.nano_per_day, clock.now())
    hop.steps.append(shadow.step(allowed=allowed))
    return shadow if allowed and shadow.tier is not None else None


async def make_shadow(hop: HopState, ending: Ending, shadow: Shadow, deps: Dependencies) -> None:
    """Call the other tier, and compare its answer with the given one.

    The hop has ended: its records are acknowledged, and those of the shadow become pending.
    """
    if not isinstance(ending, Replied) or shadow.tier is None or hop.work.lost:
        return
    hop.pending.clear()
    spec = CallSpec(body=hop.body, purpose=SHADOW, propensity=shadow.probability)
    made = len(hop.attempts)
    result = await ask_tier(hop, shadow.tier, spec, deps)
    if result.completion is not None and result.attempt is not None:
        given = _call_of(hop, ending.answer)
        message = orjson.loads(ending.answer.message)
        found = agreement(message, result.completion.message)
        below = hop.snapshot.tiers.index(given.tier) < hop.snapshot.tiers.index(shadow.tier)
        weaker, stronger = (given, result.attempt) if below else (result.attempt, given)
        signal = QualitySignal(
            signal=AGREES,
            name=stronger.model,
            score=found,
            detail={"tier": shadow.tier, "draw": shadow.draw, "probability": shadow.probability},
        )
        await publish_signal(hop, weaker, signal, deps.kafka)
        if hop.snapshot.policy.judge is not None:
            other = Answered(
                body=hop.body,
                message=result.completion.message,
                finish_reason=result.completion.finish_reason,
            )
            mine = replace(other, message=message, finish_reason=ending.answer.finish_reason)
            await ask_judge(hop, result.attempt, other, deps, shadow.probability)
            await ask_judge(hop, given, mine, deps, shadow.probability)
    for attempt in hop.attempts[made:]:
        deps.shadow_spend.spent(attempt.cost_nano)
    for record in hop.pending:
        await record


def _call_of(hop: HopState, answer: Answer) -> Attempt:
    """Return the call whose answer was given."""
    return next(
        each
        for each in reversed(hop.all_attempts)
        if each.purpose == ANSWER and each.model == answer.model and each.status == "ok"
    )
