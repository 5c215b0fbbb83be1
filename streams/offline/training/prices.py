"""Estimated cost of a model's call on rows without token counts, from the length of texts."""

from __future__ import annotations

from decimal import Decimal

from genai_prices import Usage, calc_price

from streams.offline.training.labels import Labels
from streams.routing.features.request_features import CHARACTERS_PER_TOKEN
from streams.routing.selection.candidates import EXPECTED_OUTPUT_TOKENS


def mean_call_cost(labels: Labels, model: str) -> float | None:
    """Return mean USD of a call at today's list price; `None` if the list does not have the model.

    Four characters count as a token; without an answer's text 300 tokens of output are assumed.
    """
    total = Decimal(0)
    for row in labels.rows:
        text = row.texts.get(model)
        output = EXPECTED_OUTPUT_TOKENS if text is None else len(text) // CHARACTERS_PER_TOKEN
        usage = Usage(input_tokens=len(row.prompt) // CHARACTERS_PER_TOKEN, output_tokens=output)
        try:
            total += calc_price(usage, model_ref=model).total_price
        except LookupError:
            return None
    return float(total / len(labels))
