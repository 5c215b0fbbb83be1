"""Candidates for a hop's call that have capacity and are within the budgets; the wait for them.

A hop waits in place for at most one second and lends its slot to others. Then it is parked: it goes
to a wait topic, a longer one each time, and returns as the same hop's next visit. Priority hops go
first: ordinary hops of their tier find no capacity while one waits. Priority hops wait longer in
place, and return from the shortest wait topic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from core.clock import Clock
from schemas.gateway.native_body import NativeBody
from schemas.records import ANSWER, Attempt
from streams.agents.calls.expected_costs import model_costs
from streams.agents.context.hop import Hop
from streams.agents.context.ports import CallPorts
from streams.budgets.call_budgets import Budgets
from streams.routing.budgets import Downgrade, Rejected
from streams.routing.decision_trace import Step
from streams.routing.features.request_features import needs_of
from streams.routing.parameters.answer_limits import requested_limit
from streams.routing.selection.candidates import (
    Excluded,
    ModelRequirements,
    Shortlist,
    blocked_shortlist,
    shortlist,
)
from streams.routing.selection.fallback import CONTEXT_LENGTH

PATIENCE_MS = 1_000.0
"""Maximum wait in place for capacity (design, section 2)."""

PRIORITY_PATIENCE_MS = 10_000.0
"""Maximum wait in place of a priority hop, which precedes all others."""

_LOOK_MS = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """Candidates for a call now, and the steps of routing that found them.

    `costs` are the expected nano-USD of a call to each model. `denied` is the decisive budget
    verdict if the budgets leave no candidate.
    """

    choice: Shortlist
    steps: tuple[Step, ...] = ()
    costs: Mapping[str, int | None] = field(default_factory=dict)
    denied: Downgrade | Rejected | None = None


def requirements(hop: Hop, attempts: Sequence[Attempt], left_ms: float) -> ModelRequirements:
    """Return the hop's requirements of a model, with this time left. A context window that was too
    small for an earlier attempt is too small for the next one.
    """
    message, models = hop.message, hop.snapshot.models
    overflowed = (
        models[attempt.model].context_window
        for attempt in attempts
        if attempt.purpose == ANSWER
        and attempt.status == CONTEXT_LENGTH
        and attempt.model in models
    )
    native = NativeBody.of(hop.body)
    return ModelRequirements(
        capabilities=needs_of(hop.body),
        provider=native.dialect.provider if native is not None and native.required else None,
        context_tokens=hop.context_tokens,
        max_output_tokens=requested_limit(hop.body),
        time_left_ms=left_ms,
        pinned_model=message.decision.model,
        overflowed_window=max(overflowed, default=0),
        spread=f"{message.tenant}/{message.request_id}/{message.hop}/{message.visit}",
    )


async def wait_for_capacity(
    hop: Hop, attempts: Sequence[Attempt], calls: CallPorts, clock: Clock
) -> Availability:
    """Return candidates with capacity, after a short wait if only capacity is missing."""
    begun = clock.elapsed_ms()
    priority = hop.has_priority
    patience = PRIORITY_PATIENCE_MS if priority else PATIENCE_MS
    while True:
        found = _candidates_now(hop, attempts, calls, clock, priority=priority)
        waited = clock.elapsed_ms() - begun
        if found.choice.candidates or not found.choice.lacks_capacity or waited >= patience:
            return found
        if hop.work.lost or hop.work.closing or hop.time_left_ms(clock.now()) <= _LOOK_MS:
            return found
        # A tenant's own limit, the only exclusion without a model, blocks nobody else.
        is_its_own = any(not each.model for each in found.choice.excluded)
        blocks = priority and not is_its_own
        with calls.priority_gate.waiting(hop.message.tier) if blocks else nullcontext():
            async with hop.work.slots.lent():
                await calls.sleep_ms(_LOOK_MS)


def _candidates_now(
    hop: Hop, attempts: Sequence[Attempt], calls: CallPorts, clock: Clock, *, priority: bool
) -> Availability:
    tenant = hop.message.tenant
    full = calls.tenants.why_not(tenant, hop.snapshot.limits_of(tenant), clock.elapsed_ms())
    if full is not None:
        choice = blocked_shortlist(full)
        return Availability(choice=choice, steps=(choice.step(clock.now()),))
    found = available_candidates(hop, attempts, calls, clock)
    if priority or not found.choice.candidates:
        return found
    first = calls.priority_gate.of_others(hop.message.tier)
    if first is None:
        return found
    return replace(found, choice=first, steps=(*found.steps[:-1], first.step(clock.now())))


def available_candidates(
    hop: Hop, attempts: Sequence[Attempt], calls: CallPorts, clock: Clock
) -> Availability:
    """Return the tier's candidates with capacity now; the last step is the shortlist."""
    now, tier = clock.now(), hop.message.tier
    need = requirements(hop, attempts, hop.time_left_ms(now))
    found = find_candidates(hop, tier, need, calls, clock)
    listed = found.choice.step(now, time_left_ms=need.time_left_ms, costs=found.costs)
    return replace(found, steps=(*found.steps, listed))


def find_candidates(
    hop: Hop,
    tier: str,
    need: ModelRequirements,
    calls: CallPorts,
    clock: Clock,
) -> Availability:
    """Return the candidates of a tier that meet the requirements and are within the budgets. The
    steps are the verdicts of the budgets.
    """
    models = hop.snapshot.models_of(tier)
    pinned = hop.snapshot.models.get(need.pinned_model or "")
    costs = model_costs(models, need.context_tokens, calls.pricing)
    conditions = calls.instances.conditions(
        models if pinned is None else (pinned,), clock.elapsed_ms()
    )
    choice = shortlist(tier, need, hop.snapshot, conditions, costs)
    return _within_budgets(hop, choice, costs, calls.budgets, clock.now())


def _within_budgets(
    hop: Hop, choice: Shortlist, costs: Mapping[str, int | None], budgets: Budgets, now: int
) -> Availability:
    models = {candidate.model.name: candidate.model for candidate in choice.candidates}
    verdicts = {name: budgets.verdict(hop.payer(name), costs.get(name), now) for name in models}
    steps = (verdict.step(now, name) for name, verdict in verdicts.items())
    cheapest = hop.snapshot.tiers[0]
    refused = {
        name: verdict
        for name, verdict in verdicts.items()
        if isinstance(verdict, Rejected)
        or (isinstance(verdict, Downgrade) and models[name].tier != cheapest)
    }
    kept = tuple(each for each in choice.candidates if each.model.name not in refused)
    denied = None
    if refused and not kept:
        every = tuple(refused.values())
        denied = next((each for each in every if not each.spares_other_models), every[0])
    excluded = (
        Excluded(model=name, instance=None, reason=verdict.why) for name, verdict in refused.items()
    )
    return Availability(
        choice=Shortlist(candidates=kept, excluded=(*choice.excluded, *excluded)),
        steps=tuple(step for step in steps if step is not None),
        costs=costs,
        denied=denied,
    )
