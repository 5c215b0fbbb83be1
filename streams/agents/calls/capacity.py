"""Capacity for a hop's call: a short wait in place, then the wait topics.

A hop waits in place for at most one second and lends its slot to others. Then it is parked: it goes
to a wait topic, a longer one each time, and returns as the same hop's next visit. Priority hops go
first: ordinary hops of their tier find no capacity while one waits. Priority hops wait longer in
place, and return from the shortest wait topic.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from core.clock import Clock
from schemas.records import ANSWER
from schemas.topics import WAIT_DELAYS_S
from streams.agents.calls.budget_admission import within_budgets
from streams.agents.calls.expected_costs import model_costs
from streams.agents.context.hop_state import HopState
from streams.agents.context.ports import CallPorts, KafkaPorts
from streams.agents.context.priority_gate import PriorityGate
from streams.providers.reliability.tenant_limits import TenantLimits
from streams.routing.features.request_features import needs_of
from streams.routing.parameters.answer_limits import asked_limit
from streams.routing.selection.candidates import (
    EXPECTED_OUTPUT_TOKENS,
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
LEAST_MS_AFTER_WAIT = 1_000.0
"""Time that must remain for an answer after a wait."""


def need_of(hop: HopState, now: int) -> ModelRequirements:
    """Return the hop's requirements of a model."""
    message, body = hop.message, hop.body
    return ModelRequirements(
        capabilities=needs_of(body),
        context_tokens=hop.context_tokens,
        max_output_tokens=asked_limit(body),
        time_left_ms=hop.time_left_ms(now),
        pinned_model=message.decision.model,
        overflowed_window=_overflowed_window(hop),
        spread=f"{message.tenant}/{message.request_id}/{message.hop}/{message.visit}",
    )


def _overflowed_window(hop: HopState) -> int:
    """Return the largest context window that was too small, as providers reported."""
    models = hop.snapshot.models
    return max(
        (
            models[attempt.model].context_window
            for attempt in hop.all_attempts
            if attempt.purpose == ANSWER
            and attempt.status == CONTEXT_LENGTH
            and attempt.model in models
        ),
        default=0,
    )


def expected_tokens(context_tokens: int, max_output_tokens: int | None) -> int:
    """Return the tokens that a call may use, for limits."""
    return context_tokens + min(max_output_tokens or EXPECTED_OUTPUT_TOKENS, EXPECTED_OUTPUT_TOKENS)


def available_candidates(hop: HopState, calls: CallPorts, kafka: KafkaPorts) -> Shortlist:
    """Return the tier's candidates with capacity now; the shortlist joins the hop's steps."""
    now = kafka.clock.now()
    need = need_of(hop, now)
    models = hop.snapshot.models_of(hop.message.tier)
    pinned = hop.snapshot.models.get(need.pinned_model or "")
    costs = model_costs(models, need.context_tokens, calls.pricing)
    conditions = calls.instances.conditions(
        models if pinned is None else (pinned,), kafka.clock.elapsed_ms()
    )
    choice = shortlist(hop.message.tier, need, hop.snapshot, conditions, costs)
    choice = within_budgets(hop, choice, costs, calls.budgets, kafka.clock)
    hop.steps.append(choice.step(now, time_left_ms=need.time_left_ms, costs=costs))
    return choice


def tenant_is_full(hop: HopState, clock: Clock, tenants: TenantLimits) -> Shortlist | None:
    """Return a blocked shortlist if the tenant's limits are reached; it joins the hop's steps."""
    tenant = hop.message.tenant
    limits = hop.snapshot.limits_of(tenant)
    why = tenants.why_not(tenant, limits, clock.elapsed_ms())
    if why is None:
        return None
    choice = blocked_shortlist(why)
    hop.steps.append(choice.step(clock.now()))
    return choice


async def wait_for_capacity(hop: HopState, calls: CallPorts, kafka: KafkaPorts) -> Shortlist:
    """Return candidates with capacity, after a short wait if only capacity is missing."""
    begun = kafka.clock.elapsed_ms()
    patience = PRIORITY_PATIENCE_MS if hop.has_priority else PATIENCE_MS
    before = len(hop.steps)
    while True:
        choice = _candidates_now(hop, calls, kafka)
        waited = kafka.clock.elapsed_ms() - begun
        if choice.candidates or not choice.lacks_capacity or waited >= patience:
            return choice
        if hop.work.lost or hop.work.closing or hop.time_left_ms(kafka.clock.now()) <= _LOOK_MS:
            return choice
        del hop.steps[before:]
        with _blocking_others(hop, choice, calls.priority_gate):
            async with hop.work.slots.lent():
                await calls.sleep_ms(_LOOK_MS)


def _candidates_now(hop: HopState, calls: CallPorts, kafka: KafkaPorts) -> Shortlist:
    if (full := tenant_is_full(hop, kafka.clock, calls.tenants)) is not None:
        return full
    choice = available_candidates(hop, calls, kafka)
    if hop.has_priority or not choice.candidates:
        return choice
    first = calls.priority_gate.of_others(hop.message.tier)
    if first is None:
        return choice
    hop.steps[-1] = first.step(kafka.clock.now())
    return first


def _blocking_others(
    hop: HopState, choice: Shortlist, priority_gate: PriorityGate
) -> AbstractContextManager[None]:
    """Block ordinary hops while a priority hop waits, unless only its tenant's limit blocks it."""
    is_its_own = any(not each.model for each in choice.excluded)
    if is_its_own or not hop.has_priority:
        return nullcontext()
    return priority_gate.waiting(hop.message.tier)


def wait_of(hop: HopState, clock: Clock) -> int | None:
    """Return the delay, s, of the next wait topic: longer with each visit (always the shortest for
    priority hops), and over before the deadline; `None` if even the shortest is too long.
    """
    left = hop.time_left_ms(clock.now()) - LEAST_MS_AFTER_WAIT
    visits = 0 if hop.has_priority else hop.message.visit
    wanted = WAIT_DELAYS_S[min(visits, len(WAIT_DELAYS_S) - 1)]
    fitting = [delay for delay in WAIT_DELAYS_S if delay <= wanted and delay * 1000 <= left]
    return max(fitting, default=None)
