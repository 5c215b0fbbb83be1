"""Internal model calls of routing: one attempt, at any instance with capacity.

There are no retries and no fallback: the caller goes on without an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from schemas.records import Attempt
from streams.agents.calls.budget_admission import within_budgets
from streams.agents.calls.capacity import expected_tokens
from streams.agents.calls.expected_costs import model_costs
from streams.agents.calls.provider_call import make_call
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.providers.port import Completion
from streams.routing.features.request_features import estimate_tokens, needs_of
from streams.routing.parameters.answer_limits import asked_limit
from streams.routing.selection.candidates import ModelRequirements, shortlist

NO_CAPACITY = "no_capacity"
NO_BUDGET = "no_budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """Result of an internal call: the attempt, if any, and its completion or the failure."""

    attempt: Attempt | None = None
    completion: Completion | None = None
    failed: str | None = None


async def ask_model(hop: HopState, model: str, spec: CallSpec, deps: Dependencies) -> CallResult:
    """Call a model of the registry; the call joins the hop's attempts and is recorded."""
    return await _ask(hop, hop.message.tier, model, spec, deps)


async def ask_tier(hop: HopState, tier: str, spec: CallSpec, deps: Dependencies) -> CallResult:
    """Call the first candidate of a tier; the call joins the hop's attempts and is recorded."""
    return await _ask(hop, tier, None, spec, deps)


async def _ask(
    hop: HopState, tier: str, model: str | None, spec: CallSpec, deps: Dependencies
) -> CallResult:
    tokens = estimate_tokens(spec.body)
    need = ModelRequirements(
        capabilities=needs_of(spec.body),
        context_tokens=tokens,
        max_output_tokens=asked_limit(spec.body),
        time_left_ms=hop.time_left_ms(deps.kafka.clock.now()),
        pinned_model=model,
        spread=f"{hop.message.tenant}/{hop.message.request_id}/{spec.purpose}",
    )
    models = hop.snapshot.models_of(tier)
    asked = models if model is None else (hop.snapshot.models[model],)
    costs = model_costs(asked, tokens, deps.calls.pricing)
    conditions = deps.calls.instances.conditions(asked, deps.kafka.clock.elapsed_ms())
    found = shortlist(tier, need, hop.snapshot, conditions, costs)
    found = within_budgets(hop, found, costs, deps.calls.budgets, deps.kafka.clock)
    if not found.candidates:
        return CallResult(failed=NO_CAPACITY if hop.denied is None else NO_BUDGET)
    spec = replace(
        spec,
        expected_tokens=expected_tokens(tokens, need.max_output_tokens),
        expected_nano=costs.get(found.candidates[0].model.name),
    )
    end = await make_call(hop, found.candidates[0], spec, deps)
    hop.attempts.append(end.attempt)
    if end.completion is None:
        return CallResult(attempt=end.attempt, failed=end.attempt.status)
    return CallResult(attempt=end.attempt, completion=end.completion)
