"""Who has room for a hop's call now; a short wait in place, then the wait topics.

A hop waits in place for a second at most, its slot lent to others. Then it is parked: put on a wait
topic, a longer one each time, and asked again afterwards as the same hop's next visit. Hops of
priority are first: others find no room while one of them waits, they wait longer in place, and come
back from the shortest wait.
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
"""How long a hop waits in place for capacity (design, section 2)."""

PRIORITY_PATIENCE_MS = 10_000.0
"""How long a hop of priority does, whose turn comes before all others'."""

_LOOK_MS = 50.0
LEAST_MS_AFTER_WAIT = 1_000.0
"""Time that must be left for an answer when a wait is over."""


def need_of(hop: HopState, now: int) -> ModelRequirements:
    """What the hop asks of a model."""
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
    """The largest window that was too small for this request, as its providers said."""
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
    """Tokens that a call may use, as far as limits are concerned."""
    return context_tokens + min(max_output_tokens or EXPECTED_OUTPUT_TOKENS, EXPECTED_OUTPUT_TOKENS)


def who_has_room(hop: HopState, calls: CallPorts, kafka: KafkaPorts) -> Shortlist:
    """The tier's candidates as things stand; the choice joins the hop's steps."""
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
    """Nobody to ask, where the tenant has used up what it may ask; joins the hop's steps."""
    tenant = hop.message.tenant
    limits = hop.snapshot.limits_of(tenant)
    why = tenants.why_not(tenant, limits, clock.elapsed_ms())
    if why is None:
        return None
    choice = blocked_shortlist(why)
    hop.steps.append(choice.step(clock.now()))
    return choice


async def find_room(hop: HopState, calls: CallPorts, kafka: KafkaPorts) -> Shortlist:
    """Candidates with room, waiting a little where only capacity is wanting."""
    begun = kafka.clock.elapsed_ms()
    patience = PRIORITY_PATIENCE_MS if hop.has_priority else PATIENCE_MS
    before = len(hop.steps)
    while True:
        choice = _room_now(hop, calls, kafka)
        waited = kafka.clock.elapsed_ms() - begun
        if choice.candidates or not choice.lacks_capacity or waited >= patience:
            return choice
        if hop.work.lost or hop.work.closing or hop.time_left_ms(kafka.clock.now()) <= _LOOK_MS:
            return choice
        del hop.steps[before:]
        with _in_line(hop, choice, calls.priority_gate):
            async with hop.work.slots.lent():
                await calls.sleep_ms(_LOOK_MS)


def _room_now(hop: HopState, calls: CallPorts, kafka: KafkaPorts) -> Shortlist:
    if (full := tenant_is_full(hop, kafka.clock, calls.tenants)) is not None:
        return full
    choice = who_has_room(hop, calls, kafka)
    if hop.has_priority or not choice.candidates:
        return choice
    first = calls.priority_gate.of_others(hop.message.tier)
    if first is None:
        return choice
    hop.steps[-1] = first.step(kafka.clock.now())
    return first


def _in_line(
    hop: HopState, choice: Shortlist, priority_gate: PriorityGate
) -> AbstractContextManager[None]:
    """Others stand back for a hop of priority, unless what it lacks is its tenant's alone."""
    is_its_own = any(not each.model for each in choice.excluded)
    if is_its_own or not hop.has_priority:
        return nullcontext()
    return priority_gate.waiting(hop.message.tier)


def wait_of(hop: HopState, clock: Clock) -> int | None:
    """The delay (s) of the wait topic to go to: longer with each visit (for hops of priority always
    the shortest), and over before the deadline; `None` if not even the shortest is.
    """
    left = hop.time_left_ms(clock.now()) - LEAST_MS_AFTER_WAIT
    visits = 0 if hop.has_priority else hop.message.visit
    wanted = WAIT_DELAYS_S[min(visits, len(WAIT_DELAYS_S) - 1)]
    fitting = [delay for delay in WAIT_DELAYS_S if delay <= wanted and delay * 1000 <= left]
    return max(fitting, default=None)
