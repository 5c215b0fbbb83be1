"""Cascade planning: where to start and when to stop, by expected quality against cost.

A plan starts on a tier and continues while the confidence rejects the answer. Its expected quality
and cost follow from each tier's success probability. The plan with the highest quality minus price
is chosen. After an answer the remaining tiers are evaluated again, with the known confidence in
this answer. After Dekoninck et al., "A Unified Approach to Routing and Cascading for LLMs" (ICML
2025, arXiv 2410.10347), with the tiers in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

CAUGHT = 0.6
"""Share of bad answers that a cascade's confidence rejects (recorded answers: 0.5-0.8 at the
default thresholds).
"""

FALSE_ALARMS = 0.1
"""Share of good answers that it rejects."""

PRICE_OF_QUALITY = {"economy": 0.5, "balanced": 0.2, "best": 0.02}
"""Quality (0..1) that one call of the most expensive tier must add to be worth its cost."""

UNKNOWN_STEP = 4.0
"""Cost ratio of adjacent tiers without known prices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Expected outcome of starting on a tier: quality 0..1, cost as a share of the most expensive
    tier's call, and the quality minus the price of the cost.
    """

    start: int
    quality: float
    cost: float
    worth: float


def best_plan(
    chances: Sequence[float], costs: Sequence[float | None], preference: str, *, cascades: bool
) -> Plan:
    """Return the plan of most worth, of equals the cheaper; one probability (0..1) and cost for
    each tier.

    Costs are in any unit; if one is unknown, tiers are `UNKNOWN_STEP` apart.
    """
    price = PRICE_OF_QUALITY[preference]
    shares = _shares(costs)
    caught, alarms = (CAUGHT, FALSE_ALARMS) if cascades else (0.0, 0.0)
    quality = cost = 0.0
    best: Plan | None = None
    for start in reversed(range(len(chances))):
        chance = chances[start]
        goes_on = 0.0 if start == len(chances) - 1 else (1 - chance) * caught + chance * alarms
        stays_good = chance if start == len(chances) - 1 else chance * (1 - alarms)
        quality = stays_good + goes_on * quality
        cost = shares[start] + goes_on * cost
        plan = Plan(start=start, quality=quality, cost=cost, worth=quality - price * cost)
        if best is None or plan.worth >= best.worth:
            best = plan
    if best is None:
        raise ValueError("a plan needs at least one tier")
    return best


@dataclass(frozen=True, slots=True, kw_only=True)
class GoingOn:
    """Expected outcome of continuation: the index of the next tier, the gain in quality (0..1), the
    cost as a share of the most expensive tier's call, and the gain minus the price of the cost.
    """

    to: int
    gain: float
    cost: float
    worth: float


def continuation_value(
    place: int,
    confidence: float,
    chances: Sequence[float],
    costs: Sequence[float | None],
    preference: str,
) -> GoingOn | None:
    """Return the expected outcome of the best plan after tier `place`, given this confidence.

    A tier is assumed to be right wherever a weaker one is. So if this answer is bad, a plan with
    quality Q in general has (Q - p) / (1 - p), p being this tier's success probability. `None`
    after the last tier.
    """
    rest = range(place + 1, len(chances))
    if not rest:
        return None
    shares = _shares(costs)
    plan = best_plan(
        [chances[each] for each in rest], [shares[each] for each in rest], preference, cascades=True
    )
    here = chances[place]
    mends = max(plan.quality - here, 0.0) / (1 - here) if here < 1 else 0.0
    gain = (1 - confidence) * mends
    worth = gain - PRICE_OF_QUALITY[preference] * plan.cost
    return GoingOn(to=rest[plan.start], gain=gain, cost=plan.cost, worth=worth)


def _shares(costs: Sequence[float | None]) -> list[float]:
    known = [cost for cost in costs if cost is not None]
    top = max(known, default=0.0)
    if len(known) < len(costs) or top <= 0:
        last = len(costs) - 1
        return [UNKNOWN_STEP ** (place - last) for place in range(len(costs))]
    return [cost / top for cost in known]
