"""Expected cost of a request on each tier, for registries that weigh other prices.

The figures equal a worker's (`streams.agents.calls.expected_costs`), from a price list alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.providers.port import Usage
from streams.providers.pricing.price_list import PriceBook
from streams.routing.assessment import Costs
from streams.routing.features.request_features import estimate_tokens
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.snapshot import RegistrySnapshot


def tier_costs(pricing: PriceBook, body: Mapping[str, Any], snapshot: RegistrySnapshot) -> Costs:
    """Return nano-USD of a call to the cheapest model of each tier; `None` without a known
    price.
    """
    usage = Usage(input_tokens=estimate_tokens(body), output_tokens=EXPECTED_OUTPUT_TOKENS)
    found: dict[str, int | None] = {}
    for tier in snapshot.tiers:
        costs = [pricing.cost_of(model, usage)[0] for model in snapshot.models_of(tier)]
        found[tier] = min((cost for cost in costs if cost is not None), default=None)
    return found
