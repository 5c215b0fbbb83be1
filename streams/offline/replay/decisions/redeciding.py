"""A logged request decided again, by the pure core, from what was recorded with it.

What always holds: under the registry version that was live, by the same code, the decision is the
recorded one; the clock, the time left, expected costs and a model's opinion are the recorded ones
wherever the new registry asks for the same; nothing is asked of a model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from schemas.errors import InvalidRequestError
from schemas.records import Decision
from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.decisions.reuse import reused
from streams.routing.assessment import Costs, uses_artifact, wants_opinion
from streams.routing.decision import (
    DecisionContext,
    RoutingRequest,
    assessed_decision,
    decide,
    effective_snapshot,
    features_of,
    is_static,
)
from streams.routing.decision_inputs import ClassifyInputs, read_classify
from streams.routing.snapshot import RegistrySnapshot

LandscapeOf = Callable[[str], RegistrySnapshot | None]
"""A registry version by its hash; `None` where the topic has it no longer."""

CostsOf = Callable[[Mapping[str, Any], RegistrySnapshot], Costs]
"""Expected cost of a body by tier, nano-USD, where a registry weighs other prices than before."""


class DecisionOrigin(StrEnum):
    """How a decision came about."""

    STATIC = "static"
    """The caller or a static rule decided."""
    REUSED = "reused"
    """The recorded score, under the new boundaries."""
    ASSESSED = "assessed"
    """The classifier looked at the request again."""
    UNASKED = "unasked"
    """The new registry would ask a model where the request belongs; the rules stood in for it."""
    REFUSED = "refused"
    """The request pins a model or a tier that the new registry does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """The new decision, or why there is none."""

    how: DecisionOrigin
    decision: Decision | None
    refusal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayContext:
    """What requests are decided by again: the new registry, the old ones by hash, prices.

    With `reuse` a recorded score counts where the same code would give it again.
    """

    snapshot: RegistrySnapshot
    before: LandscapeOf
    costs: CostsOf
    reuse: bool = True


def redecide(recorded: Recorded, subject: RoutingRequest, on: ReplayContext) -> Redecided:
    """Decide where this request would have started.

    Raises:
        KeyError: the recorded decision holds no inputs.
    """
    inputs = read_classify(recorded.decision.inputs)
    ground, assignment = effective_snapshot(subject, on.snapshot)
    before = _before(recorded, on)
    moment = _moment(subject, recorded, ground, inputs, on)
    if is_static(subject, ground):
        return _static(subject, on, moment)
    found = reused(recorded, before, ground) if on.reuse else None
    if found is not None:
        return Redecided(
            how=DecisionOrigin.REUSED,
            decision=assessed_decision(found, ground, moment, assignment),
        )
    how = DecisionOrigin.ASSESSED
    if ground.policy.llm is not None:
        if _asks_alike(before, ground):
            moment = replace(moment, opinion=inputs.opinion)
        if moment.opinion is None and wants_opinion(features_of(subject, ground), ground):
            how = DecisionOrigin.UNASKED
    return Redecided(how=how, decision=decide(subject, on.snapshot, moment))


def _static(subject: RoutingRequest, on: ReplayContext, moment: DecisionContext) -> Redecided:
    try:
        return Redecided(how=DecisionOrigin.STATIC, decision=decide(subject, on.snapshot, moment))
    except InvalidRequestError as error:
        return Redecided(how=DecisionOrigin.REFUSED, decision=None, refusal=str(error))


def _before(recorded: Recorded, on: ReplayContext) -> RegistrySnapshot | None:
    decision = recorded.decision
    version = decision.registry_version
    found = on.snapshot if version == on.snapshot.version else on.before(version)
    return None if found is None else found.under(decision.experiment, decision.arm)


def _moment(
    subject: RoutingRequest,
    recorded: Recorded,
    ground: RegistrySnapshot,
    inputs: ClassifyInputs,
    on: ReplayContext,
) -> DecisionContext:
    """The recorded moment, without an opinion; another registry's costs are asked anew."""
    costs: Costs = {}
    if uses_artifact(ground):
        alike = recorded.decision.registry_version == ground.version
        costs = inputs.costs if alike else on.costs(subject.body, ground)
    return DecisionContext(now=inputs.now, time_left_ms=inputs.time_left_ms, costs=costs)


def _asks_alike(before: RegistrySnapshot | None, ground: RegistrySnapshot) -> bool:
    """Whether a recorded opinion is what this registry's model would have been asked for."""
    if before is None or before.policy.llm is None or ground.policy.llm is None:
        return False
    return before.policy.llm.model == ground.policy.llm.model and before.tiers == ground.tiers
