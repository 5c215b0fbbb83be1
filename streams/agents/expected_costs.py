"""What a request may cost on each tier, before anybody answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streams.agents.dependencies import Dependencies
from streams.providers.base import Usage
from streams.routing.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.features import estimate_tokens
from streams.routing.landscape import Landscape


def expected_costs(
    body: Mapping[str, Any], landscape: Landscape, deps: Dependencies
) -> dict[str, int | None]:
    """Nano-USD of a call to the cheapest model of each tier; `None` where no price is known."""
    usage = Usage(input_tokens=estimate_tokens(body), output_tokens=EXPECTED_OUTPUT_TOKENS)
    found: dict[str, int | None] = {}
    for tier in landscape.tiers:
        costs = [deps.pricing.cost_of(model, usage)[0] for model in landscape.models_of(tier)]
        found[tier] = min((cost for cost in costs if cost is not None), default=None)
    return found
