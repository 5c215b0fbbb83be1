"""Prices of models: the registry's own first, else genai-prices' dated list.

A look-up in genai-prices takes 150 us, so its result for a model is cached for `KEPT_S`. A dated
price may change within that time. A model without a price has no cost, and so has one whose price
has a part that a call's usage does not report (design, law 6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from streams.providers.port import Usage
from streams.providers.pricing.listed_prices import listed_price
from streams.routing.selection.pricing import ONE, Price, Rates, cost_nano, request_fee
from streams.routing.snapshot import ListPrice, Model, TokenPrice

REGISTRY, GENAI_PRICES = "registry", "genai-prices"

KEPT_S = 60.0
"""Longest time that a dated price, or an hourly one, is used beyond its end."""

_QUOTES = 4_096
"""Maximum number of cached quotes: names of service tiers come from the provider."""

_Key = tuple[str, str, str | None, str | None, str | None, ListPrice | None]

_ANTHROPIC = "anthropic"
_WRITE_FACTOR, _WRITE_1H_FACTOR = Decimal("1.25"), Decimal("2")
"""Anthropic's prices of cache writes of 5 minutes and of 1 hour, as multiples of its input price
(https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching).
"""

_LISTED_GEOGRAPHIES = {(_ANTHROPIC, "us"): Fraction(11, 10)}
"""Factors of vendors' price lists on token costs, by provider and geography; genai-prices has none
(https://docs.anthropic.com/en/docs/about-claude/pricing).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price and its source."""

    price: Price
    source: str


class PriceBook:
    """Prices by model; `now` returns the date for dated prices."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._kept: dict[_Key, tuple[datetime, Quote | None]] = {}

    def quote(
        self, model: Model, service_tier: str | None = None, speed: str | None = None
    ) -> Quote | None:
        """Return the price of a registry's model today; `None` if unknown."""
        return self.find(
            model.provider,
            model.provider_model,
            own=model.price,
            base_url=model.instances[0].base_url if model.instances else None,
            service_tier=service_tier,
            speed=speed,
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
        speed: str | None = None,
    ) -> Quote | None:
        """Return the price of a provider's model at a time; `own` takes precedence over every list.

        `base_url` identifies the vendor where many share one wire format; `service_tier` and
        `speed` are the provider's names for the billing basis (`Usage`).
        """
        key = (provider, model, base_url, service_tier, speed, own)
        if at is not None:
            return _resolve(key, at)
        now = self._now()
        kept = self._kept.get(key)
        if kept is None or abs((now - kept[0]).total_seconds()) > KEPT_S:
            if len(self._kept) >= _QUOTES:
                self._kept.clear()
            kept = self._kept[key] = (now, _resolve(key, now))
        return kept[1]

    def cost_of(self, model: Model, usage: Usage) -> tuple[int | None, str | None]:
        """Return nano-USD of a call and the source of its price; `(None, None)` without a price,
        and no cost if a part of the usage has no known price.
        """
        quote = self.quote(model, usage.service_tier, usage.speed)
        if quote is None:
            return None, None
        factor = _geography_factor(model, usage.geography)
        if usage.unknown or factor is None:
            return None, quote.source
        return _cost(quote.price, usage, factor), quote.source

    def unpriced(self, model: Model, usage: Usage) -> tuple[str, ...]:
        """Return the parts of a call's usage that leave its cost unknown though its model has a
        price.
        """
        quote = self.quote(model)
        if quote is None:
            return ()
        found = list(usage.unknown)
        if self.quote(model, usage.service_tier, usage.speed) is None:
            named = {"service_tier": usage.service_tier, "speed": usage.speed}
            found.extend(f"{field} {value}" for field, value in named.items() if value)
        if _geography_factor(model, usage.geography) is None:
            found.append(f"geography {usage.geography}")
        plain = Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
        )
        if _cost(quote.price, plain, ONE) is not None:
            for field in ("audio_input_tokens", "audio_output_tokens", "web_searches"):
                alone = replace(plain, **{field: getattr(usage, field)})
                if _cost(quote.price, alone, ONE) is None:
                    found.append(field)
        return tuple(found)


def _cost(price: Price, usage: Usage, factor: Fraction) -> int | None:
    return cost_nano(
        price,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        audio_input_tokens=usage.audio_input_tokens,
        audio_output_tokens=usage.audio_output_tokens,
        web_searches=usage.web_searches,
        token_factor=factor,
    )


def _geography_factor(model: Model, geography: str | None) -> Fraction | None:
    """Return the factor of a geography on token prices; `None` if unknown."""
    if geography is None:
        return ONE
    if model.price is not None:
        own = dict(model.price.geographies).get(geography)
        return None if own is None else Fraction(own)
    return _LISTED_GEOGRAPHIES.get((model.provider, geography))


def _resolve(key: _Key, at: datetime) -> Quote | None:
    provider, model, base_url, service_tier, speed, own = key
    if own is not None:
        return _own_quote(provider, own, service_tier, speed)
    price = listed_price(provider, model, base_url, service_tier=service_tier, speed=speed, at=at)
    return None if price is None else Quote(price=price, source=GENAI_PRICES)


def _own_quote(
    provider: str, own: ListPrice, service_tier: str | None, speed: str | None
) -> Quote | None:
    """Return the registry's own price; of a service tier or a speed only if listed."""
    rated: TokenPrice | None = own
    if service_tier is not None and speed is not None:
        rated = None
    elif service_tier is not None:
        rated = dict(own.service_tiers).get(service_tier)
    elif speed is not None:
        rated = dict(own.speeds).get(speed)
    if rated is None:
        return None
    search = None if own.web_search is None else request_fee(own.web_search)
    return Quote(price=Price(base=_rates(provider, rated), web_search=search), source=REGISTRY)


def _rates(provider: str, rated: TokenPrice) -> Rates:
    write, write_1h = rated.cache_write, rated.cache_write_1h
    if provider == _ANTHROPIC:
        write_1h = rated.input * _WRITE_1H_FACTOR if write_1h is None else write_1h
        write = rated.input * _WRITE_FACTOR if write is None else write
    return Rates.per_million(
        input=rated.input,
        output=rated.output,
        cache_read=rated.cache_read,
        cache_write=write,
        cache_write_1h=write_1h,
        audio_input=rated.audio_input,
        audio_output=rated.audio_output,
    )
