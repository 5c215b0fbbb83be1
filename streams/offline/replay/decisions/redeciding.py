"""Repeats the decision of a logged request, by the pure core, from its recorded inputs.

Invariant: under the live registry version and the same code, the decision equals the recorded one.
The clock, the time left, expected costs and an LLM classification are the recorded ones wherever
the new registry would compute the same; no model is called.
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
from streams.routing.assessment import Costs, needs_llm_classification, uses_artifact
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
"""Returns a registry version by its hash; `None` if the topic no longer has it."""

CostsOf = Callable[[Mapping[str, Any], RegistrySnapshot], Costs]
"""Returns the expected cost of a body by tier, nano-USD, if a registry weighs other prices."""


class DecisionOrigin(StrEnum):
    """Origin of a decision."""

    STATIC = "static"
    """Decided by the caller or a static rule."""
    REUSED = "reused"
    """The recorded score, under the new boundaries."""
    ASSESSED = "assessed"
    """The classifier assessed the request again."""
    UNASKED = "unasked"
    """The new registry would call a model for the classification; the rules replace it."""
    REFUSED = "refused"
    """The request pins a model or a tier that the new registry does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """The new decision, or the reason for none; `stream` is the recorded input."""

    how: DecisionOrigin
    decision: Decision | None
    refusal: str | None = None
    stream: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayContext:
    """Context of repeated decisions: the new registry, the old ones by hash, prices.

    With `reuse` a recorded score is reused if the same code would reproduce it.
    """

    snapshot: RegistrySnapshot
    before: LandscapeOf
    costs: CostsOf
    reuse: bool = True


def redecide(recorded: Recorded, request: RoutingRequest, on: ReplayContext) -> Redecided:
    """Decide the first tier of this request.

    Raises:
        KeyError: the recorded decision has no inputs.
    """
    inputs = read_classify(recorded.decision.inputs)
    found = _redecided(recorded, request, inputs, on)
    return replace(found, stream=True) if inputs.stream else found


def _redecided(
    recorded: Recorded, request: RoutingRequest, inputs: ClassifyInputs, on: ReplayContext
) -> Redecided:
    effective, assignment = effective_snapshot(request, on.snapshot, stream=inputs.stream)
    before = _before(recorded, on)
    context = _context(request, recorded, effective, inputs, on)
    if is_static(request, effective):
        return _static(request, on, context)
    found = reused(recorded, before, effective) if on.reuse else None
    if found is not None:
        return Redecided(
            how=DecisionOrigin.REUSED,
            decision=assessed_decision(found, effective, context, assignment),
        )
    how, features = DecisionOrigin.ASSESSED, features_of(request, effective)
    if effective.policy.llm is not None:
        if _calls_same_model(before, effective):
            context = replace(context, opinion=inputs.opinion)
        if context.opinion is None and needs_llm_classification(features, effective):
            how = DecisionOrigin.UNASKED
    return Redecided(how=how, decision=decide(request, on.snapshot, context, features))


def _static(request: RoutingRequest, on: ReplayContext, context: DecisionContext) -> Redecided:
    try:
        return Redecided(how=DecisionOrigin.STATIC, decision=decide(request, on.snapshot, context))
    except InvalidRequestError as error:
        return Redecided(how=DecisionOrigin.REFUSED, decision=None, refusal=str(error))


def _before(recorded: Recorded, on: ReplayContext) -> RegistrySnapshot | None:
    decision = recorded.decision
    version = decision.registry_version
    found = on.snapshot if version == on.snapshot.version else on.before(version)
    return None if found is None else found.under(decision.experiment, decision.arm)


def _context(
    request: RoutingRequest,
    recorded: Recorded,
    effective: RegistrySnapshot,
    inputs: ClassifyInputs,
    on: ReplayContext,
) -> DecisionContext:
    """Return the recorded context, without a classification; another registry's costs are
    recomputed.
    """
    costs: Costs = {}
    if uses_artifact(effective):
        alike = recorded.decision.registry_version == effective.version
        costs = inputs.costs if alike else on.costs(request.body, effective)
    return DecisionContext(
        now=inputs.now, time_left_ms=inputs.time_left_ms, costs=costs, stream=inputs.stream
    )


def _calls_same_model(before: RegistrySnapshot | None, effective: RegistrySnapshot) -> bool:
    """Return whether a recorded classification is from the model that this registry would call."""
    if before is None or before.policy.llm is None or effective.policy.llm is None:
        return False
    return before.policy.llm.model == effective.policy.llm.model and before.tiers == effective.tiers
