"""Prices of models: the registry's own first, else genai-prices' dated list.

A look-up in genai-prices costs 150 us, so what it says of a model is kept for `KEPT_S`, in which a
dated price may begin. A model without a price stays without, and so does one whose price has a
part that a call's usage can't tell (design, law 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from streams.providers.base import Usage
from streams.providers.listed_prices import listed_price
from streams.routing.landscape import ListPrice, Model
from streams.routing.pricing import Price, Rates, cost_nano

REGISTRY, GENAI_PRICES = "registry", "genai-prices"

KEPT_S = 60.0
"""Longest time that a dated price, or an hourly one, is used beyond its end."""

_QUOTES = 4_096
"""Most quotes that are kept: the name of a service tier is the provider's to invent."""

_Key = tuple[str, str, str | None, str | None, ListPrice | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price and where it is from."""

    price: Price
    source: str


class PriceBook:
    """Prices by model; `now` tells the date for dated prices."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._kept: dict[_Key, tuple[datetime, Quote | None]] = {}

    def quote(self, model: Model, service_tier: str | None = None) -> Quote | None:
        """The price of a registry's model today; `None` when nobody knows one."""
        return self.find(
            model.provider,
            model.provider_model,
            own=model.price,
            base_url=model.instances[0].base_url if model.instances else None,
            service_tier=service_tier,
        )

    def find(
        self,
        provider: str,
        model: str,
        *,
        at: datetime | None = None,
        own: ListPrice | None = None,
        base_url: str | None = None,
        service_tier: str | None = None,
    ) -> Quote | None:
        """The price of a provider's model at a time; `own` goes before every list.

        `base_url` tells whose price list it is where one wire format serves many vendors;
        `service_tier` is what the provider called the tier that billed (`Usage.service_tier`).
        """
        if at is not None:
            return _resolve((provider, model, base_url, service_tier, own), at)
        key = (provider, model, base_url, service_tier, own)
        now = self._now()
        kept = self._kept.get(key)
        if kept is None or abs((now - kept[0]).total_seconds()) > KEPT_S:
            if len(self._kept) >= _QUOTES:
                self._kept.clear()
            kept = self._kept[key] = (now, _resolve(key, now))
        return kept[1]

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Nano-USD of a call and the source of its price; `(None, None)` without a price."""
        quote = self.quote(model, usage.service_tier)
        if quote is None:
            return None, None
        cost = cost_nano(
            quote.price,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            cache_write_1h_tokens=usage.cache_write_1h_tokens,
        )
        return cost, quote.source


def _resolve(key: _Key, at: datetime) -> Quote | None:
    provider, model, base_url, service_tier, own = key
    if own is not None:
        rates = Rates.per_million(
            input=own.input,
            output=own.output,
            cache_read=own.cache_read,
            cache_write=own.cache_write,
        )
        return Quote(price=Price(base=rates), source=REGISTRY)
    price = listed_price(provider, model, base_url, service_tier, at)
    return None if price is None else Quote(price=price, source=GENAI_PRICES)
