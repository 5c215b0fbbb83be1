"""Expected cost of a request on each tier."""

from __future__ import annotations

from collections.abc import Iterable

from streams.agents.context.ports import Pricing
from streams.providers.port import Usage
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.snapshot import Model, RegistrySnapshot


def expected_costs(
    input_tokens: int, snapshot: RegistrySnapshot, pricing: Pricing
) -> dict[str, int | None]:
    """Return the nano-USD of a call to the cheapest model of each tier; `None` without a price."""
    found: dict[str, int | None] = {}
    for tier in snapshot.tiers:
        costs = model_costs(snapshot.models_of(tier), input_tokens, pricing).values()
        found[tier] = min((cost for cost in costs if cost is not None), default=None)
    return found


def model_costs(
    models: Iterable[Model], input_tokens: int, pricing: Pricing
) -> dict[str, int | None]:
    """Return the nano-USD of a call to each model, by name; `None` without a price."""
    usage = Usage(input_tokens=input_tokens, output_tokens=EXPECTED_OUTPUT_TOKENS)
    return {model.name: pricing.cost_of(model, usage)[0] for model in models}
