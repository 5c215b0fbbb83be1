"""Designed probability with which an answer of each model could have been observed.

Two draws are designed: a shadow call's, whose probability is in the decision's inputs whether or
not it was drawn; and an experiment's, if its arms start a request on different tiers. Other answers
have causes without a designed probability, and have none here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.decisions.redeciding import ReplayContext, redecide
from streams.offline.replay.decisions.trajectories import Wants, Ways
from streams.routing.decision import RoutingRequest
from streams.routing.decision_inputs import latest_step
from streams.routing.decision_trace import ShadowStep
from streams.routing.snapshot import RegistrySnapshot


def chances_of(
    recorded: Recorded, request: RoutingRequest, wants: Wants, before: Ways, on: ReplayContext
) -> dict[str, float]:
    """Return probabilities (0 < p < 1) by model; `before` is the live registry of the request."""
    decision = recorded.decision
    arm = (decision.experiment, decision.arm)
    effective = before.snapshot.under(*arm)
    shadow = _shadow(recorded)
    shadows: dict[str, float] = {}
    if shadow and recorded.ended_tier:
        shadows = {tier: shadow for tier in effective.tiers if tier != recorded.ended_tier}
    starts = dict(_starts(recorded, request, before.snapshot, on))
    if len(starts) < 2:
        found = shadows
    else:
        found = {
            tier: started + (1 - started) * shadows.get(tier, shadow)
            for tier in effective.tiers
            if (started := starts.get(tier, 0.0)) or tier in shadows
        }
    named = ((before.first(tier, wants, arm), chance) for tier, chance in found.items())
    return {model: chance for model, chance in named if model is not None and 0 < chance < 1}


def _shadow(recorded: Recorded) -> float:
    """Return the probability of a shadow call on each other tier; 0 if none would have been
    made.
    """
    if '"shadow"' not in recorded.decision.inputs:
        return 0.0
    step = latest_step(recorded.decision.inputs, ShadowStep)
    return step.probability if step is not None and step.allowed else 0.0


def _starts(
    recorded: Recorded, request: RoutingRequest, live: RegistrySnapshot, on: ReplayContext
) -> Iterator[tuple[str, float]]:
    """Yield the first tiers of the arms of this request's experiment, with their probability."""
    experiment = next(
        (each for each in live.experiments if each.name == recorded.decision.experiment), None
    )
    if experiment is None:
        return
    whole = sum(arm.weight for arm in experiment.arms)
    found: dict[str, float] = {}
    for arm in experiment.arms:
        again = redecide(recorded, request, replace(on, snapshot=arm.snapshot))
        if again.decision is not None:
            tier = again.decision.tier
            found[tier] = found.get(tier, 0.0) + arm.weight / whole
    yield from found.items()
