"""Prices of models: the registry's own first, else genai-prices' dated list; resolved once each.

A look-up in genai-prices costs 150 us, so a model's price is kept for a while. A model without a
price stays without: unknown is unknown (design, law 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import TieredPrices

from streams.providers.base import Usage
from streams.routing.landscape import ListPrice, Model
from streams.routing.pricing import Price, Rates, cost_nano

REGISTRY, GENAI_PRICES = "registry", "genai-prices"

KEPT_S = 3600.0
"""How long a resolved price is used before its date is looked at again."""

_KINDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price and where it is from."""

    price: Price
    source: str


class PriceBook:
    """Prices by model; `now` tells the date for dated prices."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._kept: dict[tuple[str, str, ListPrice | None], tuple[datetime, Quote | None]] = {}

    def quote(self, model: Model) -> Quote | None:
        """The price of a model; `None` when nobody knows one."""
        key = (model.provider, model.provider_model, model.price)
        now = self._now()
        kept = self._kept.get(key)
        if kept is None or (now - kept[0]).total_seconds() > KEPT_S:
            kept = self._kept[key] = (now, _resolve(model, now))
        return kept[1]

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Nano-USD of a call and the source of its price; `(None, None)` without a price."""
        quote = self.quote(model)
        if quote is None:
            return None, None
        cost = cost_nano(
            quote.price,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        return cost, quote.source


def _resolve(model: Model, now: datetime) -> Quote | None:
    if model.price is not None:
        own = model.price
        rates = Rates.per_million(
            input=own.input,
            output=own.output,
            cache_read=own.cache_read,
            cache_write=own.cache_write,
        )
        return Quote(price=Price(base=rates), source=REGISTRY)
    try:
        _, found = get_snapshot().find_provider_model(
            model.provider_model, None, model.provider, None
        )
    except LookupError:
        return None
    listed = found.get_prices(now)
    price = _price(listed)
    return None if price is None else Quote(price=price, source=GENAI_PRICES)


def _price(listed: Any) -> Price | None:
    given = {kind: getattr(listed, name) for kind, name in _KINDS.items()}
    if given["input"] is None or given["output"] is None:
        return None
    starts = sorted(
        {
            tier.start
            for value in given.values()
            if isinstance(value, TieredPrices)
            for tier in value.tiers
        }
    )
    return Price(
        base=_rates(given, 0), tiers=tuple((start, _rates(given, start + 1)) for start in starts)
    )


def _rates(given: dict[str, Decimal | TieredPrices | None], tokens: int) -> Rates:
    at = {kind: _at(value, tokens) for kind, value in given.items()}
    if at["input"] is None or at["output"] is None:
        raise ValueError("a price needs input and output")
    return Rates.per_million(
        input=at["input"],
        output=at["output"],
        cache_read=at["cache_read"],
        cache_write=at["cache_write"],
    )


def _at(value: Decimal | TieredPrices | None, tokens: int) -> Decimal | None:
    if not isinstance(value, TieredPrices):
        return value
    price = value.base
    for tier in value.tiers:
        if tokens > tier.start:
            price = tier.price
    return price
