"""Expected cost of a call of unknown cost whose event has no expectation.

Events carry the expectation of the worker that made the call. An event without one (from before the
field existed) counts as a call of ordinary size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from streams.budgets.charges import Estimate
from streams.providers.port import Usage
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.snapshot import Model

ORDINARY_INPUT_TOKENS = 1_000
"""Input tokens assumed for a call without a count."""


class Prices(Protocol):
    """Prices of calls."""

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Return nano-USD of a call and the source of its price; `(None, None)` without a price."""
        ...


def expected_by_price(models: Callable[[], Mapping[str, Model]], prices: Prices) -> Estimate:
    """Return an estimate by the current prices of the registry's models; `None` for a removed
    model.
    """

    def estimate(event: Mapping[str, Any]) -> int | None:
        model = models().get(event["request_model"])
        if model is None:
            return None
        usage = Usage(
            input_tokens=event.get("input_tokens") or ORDINARY_INPUT_TOKENS,
            output_tokens=event.get("output_tokens") or EXPECTED_OUTPUT_TOKENS,
        )
        return prices.cost_of(model, usage)[0]

    return estimate
