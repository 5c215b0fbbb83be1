"""Internal model calls of routing: one attempt, at any instance with capacity.

There are no retries and no fallback: the caller goes on without an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import Attempt
from streams.agents.calls.capacity import find_candidates
from streams.agents.calls.provider_call import make_call
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_progress import HopProgress
from streams.providers.port import Completion
from streams.routing.decision_trace import Step
from streams.routing.features.request_features import needs_of
from streams.routing.parameters.answer_limits import requested_limit
from streams.routing.selection.candidates import ModelRequirements

NO_CAPACITY = "no_capacity"
NO_BUDGET = "no_budget"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """Result of an internal call: the attempt, if any, its completion or the failure, and the
    verdicts of the budgets.
    """

    attempt: Attempt | None = None
    completion: Completion | None = None
    failed: str | None = None
    steps: tuple[Step, ...] = ()


async def call_model(
    progress: HopProgress,
    spec: CallSpec,
    deps: Dependencies,
    *,
    model: str | None = None,
    tier: str | None = None,
) -> CallResult:
    """Call a model of the registry, or the first candidate of a tier."""
    hop, clock = progress.hop, deps.kafka.clock
    if model is not None:
        tier = hop.snapshot.models[model].tier
    need = ModelRequirements(
        capabilities=needs_of(spec.body),
        context_tokens=spec.context_tokens,
        max_output_tokens=requested_limit(spec.body),
        time_left_ms=hop.time_left_ms(clock.now()),
        pinned_model=model,
        spread=f"{hop.message.tenant}/{hop.message.request_id}/{spec.purpose}",
    )
    found = find_candidates(hop, tier or hop.message.tier, need, deps.calls, clock)
    if not found.choice.candidates:
        failed = NO_CAPACITY if found.denied is None else NO_BUDGET
        return CallResult(failed=failed, steps=found.steps)
    attempt, ended = await make_call(progress, found.choice.candidates[0], spec, deps)
    return CallResult(
        attempt=attempt,
        completion=ended.completion,
        failed=None if ended.completion else ended.status,
        steps=found.steps,
    )
