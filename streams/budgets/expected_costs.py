"""What a call of unknown cost was expected to cost, where its own event does not say.

Events carry the expectation of the worker that made the call. One that does not (it was written
before events had the field) is taken for a call of ordinary size, so that it counts as something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from streams.budgets.charges import Estimate
from streams.providers.port import Usage
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS
from streams.routing.snapshot import Model

ORDINARY_INPUT_TOKENS = 1_000
"""Input tokens of a call that nobody counted."""


class Prices(Protocol):
    """What calls cost."""

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Nano-USD of a call and where its price is from; `(None, None)` without a price."""
        ...


def expected_by_price(models: Callable[[], Mapping[str, Model]], prices: Prices) -> Estimate:
    """An estimate from today's prices of the registry's models; `None` for a model that is gone."""

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
