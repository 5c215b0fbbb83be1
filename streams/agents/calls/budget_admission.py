"""Budgets before a call: the candidates that they allow, and the outcome of a hop without any."""

from __future__ import annotations

from collections.abc import Mapping

from core.clock import Clock
from schemas.journal_headers import JournalKind
from schemas.records import Failure
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import Ending, GaveUp, MovedOn
from streams.budgets.call_budgets import Budgets
from streams.routing.budgets import Allowed, BudgetSubject, Downgrade, Rejected, Verdict
from streams.routing.selection.candidates import Candidate, Excluded, Shortlist
from streams.routing.snapshot import Model


def payer_of(hop: HopState, model: str) -> BudgetSubject:
    """Return the budget subject of this hop's calls to a model."""
    message = hop.message
    return BudgetSubject(
        tenant=message.tenant,
        user_id=message.user_id,
        user_tier=message.user_tier,
        feature=message.feature,
        model=model,
    )


def within_budgets(
    hop: HopState,
    choice: Shortlist,
    costs: Mapping[str, int | None],
    budgets: Budgets,
    clock: Clock,
) -> Shortlist:
    """Return the candidates that the budgets allow. The verdicts join the hop's steps; if no
    candidate is left, the decisive one is `hop.denied`.
    """
    hop.denied = None
    now = clock.now()
    verdicts: dict[str, Verdict] = {}
    kept: list[Candidate] = []
    excluded = list(choice.excluded)
    for candidate in choice.candidates:
        model = candidate.model
        if model.name not in verdicts:
            said = budgets.verdict(payer_of(hop, model.name), costs.get(model.name), now)
            verdicts[model.name] = said
            if (step := said.step(now, model.name)) is not None:
                hop.steps.append(step)
            if isinstance(said, Downgrade | Rejected) and not _may(said, model, hop):
                excluded.append(Excluded(model=model.name, instance=None, reason=said.why))
        if _may(verdicts[model.name], model, hop):
            kept.append(candidate)
    if choice.candidates and not kept:
        refused = [each for each in verdicts.values() if isinstance(each, Downgrade | Rejected)]
        hop.denied = next((each for each in refused if not each.spares_other_models), refused[0])
    return Shortlist(candidates=tuple(kept), excluded=tuple(excluded))


def _may(verdict: Verdict, model: Model, hop: HopState) -> bool:
    cheapest = model.tier == hop.snapshot.tiers[0]
    return isinstance(verdict, Allowed) or (isinstance(verdict, Downgrade) and cheapest)


def over_budget(hop: HopState, denied: Downgrade | Rejected) -> Ending:
    """Return the next cheaper tier if the budget downgrades, else a rejection.

    A request with a pinned model does not change its tier.
    """
    tier, tiers = hop.message.tier, hop.snapshot.tiers
    place = tiers.index(tier) if tier in tiers else 0
    if isinstance(denied, Downgrade) and hop.message.decision.model is None and place > 0:
        return MovedOn(tier=tiers[place - 1], why=denied.why)
    failure = Failure(code="budget_exceeded", message=denied.message, retryable=True)
    return GaveUp(kind=JournalKind.REJECTED, failure=failure)
