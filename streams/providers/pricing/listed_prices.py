"""Conversion of a model's price in genai-prices' list to the form used here.

genai-prices matches names by its own rules (`gpt-4o-2024-08-06` is `gpt-4o`), dates its prices, and
raises all rates of a call whose input exceeds a threshold.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from streams.routing.selection.pricing import Price, Rates, request_fee

Listed = Decimal | TieredPrices | None

_RATES = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
_AUDIO = {"audio_input": "input_audio_mtok", "audio_output": "output_audio_mtok"}
_REQUESTS, _SEARCHES = "requests_kcount", "web_searches_kcount"
_BATCH = "batch"
_NOT_OF_CHAT = frozenset(
    {"storage_searches_kcount", "audio_hours", "input_audio_hours", "input_mchars"}
)
"""Prices of services that chat calls here never use."""


def listed_price(
    provider: str,
    model: str,
    base_url: str | None,
    *,
    service_tier: str | None = None,
    speed: str | None = None,
    at: datetime,
) -> Price | None:
    """Return the price on a day; `None` if the list has none, or one that does not match the usage.

    The vendor of `base_url` takes precedence over `provider`.
    """
    found = _find(provider, model, base_url)
    if found is None:
        return None
    context = _context(service_tier, speed)
    if not context:
        return _price(found.get_prices(at))
    known = any(variant.when == context for variant in found.price_variants or ())
    return _price(found.get_prices(at, context)) if known else None


def _context(service_tier: str | None, speed: str | None) -> dict[str, str]:
    """Return the list's own conditions for a tier and a speed."""
    context: dict[str, str] = {}
    if service_tier is not None:
        context["processing" if service_tier == _BATCH else "service_tier"] = service_tier
    if speed is not None:
        context["speed"] = speed
    return context


def _find(provider: str, model: str, base_url: str | None) -> ModelInfo | None:
    snapshot = get_snapshot()
    places = [(None, base_url)] if base_url else []
    for provider_id, url in [*places, (provider, None)]:
        try:
            return snapshot.find_provider_model(model, None, provider_id, url)[1]
        except LookupError:
            continue
    return None


def _price(listed: ModelPrice) -> Price | None:
    given: dict[str, Listed] = {
        name: value for name, value in vars(listed).items() if value is not None
    }
    rates: dict[str, Listed] = {rate: given.pop(f"{rate}_mtok", None) for rate in _RATES}
    rates |= {rate: given.pop(listed_as, None) for rate, listed_as in _AUDIO.items()}
    fee, search = given.pop(_REQUESTS, None), given.pop(_SEARCHES, None)
    if rates["input"] is None or rates["output"] is None or isinstance(fee, TieredPrices):
        return None
    # A separate price of reasoning or images: the reported usage does not distinguish them.
    if any(
        value not in (rates["input"], rates["output"])
        for name, value in given.items()
        if name not in _NOT_OF_CHAT and "audio" not in name and "video" not in name
    ):
        return None
    starts = sorted(
        {
            tier.start
            for value in rates.values()
            if isinstance(value, TieredPrices)
            for tier in value.tiers
        }
    )
    return Price(
        base=_rates(rates, 0),
        tiers=tuple((start, _rates(rates, start + 1)) for start in starts),
        request=request_fee(fee) if fee is not None else 0,
        web_search=request_fee(search) if isinstance(search, Decimal) else None,
    )


def _rates(rates: dict[str, Listed], tokens: int) -> Rates:
    at = {rate: _at(value, tokens) for rate, value in rates.items()}
    fresh, output = at["input"], at["output"]
    if fresh is None or output is None:
        raise ValueError("a price needs input and output")
    return Rates.per_million(
        input=fresh,
        output=output,
        cache_read=at["cache_read"],
        cache_write=at["cache_write"],
        cache_write_1h=at["cache_write_1h"],
        audio_input=at["audio_input"],
        audio_output=at["audio_output"],
    )


def _at(value: Listed, tokens: int) -> Decimal | None:
    if not isinstance(value, TieredPrices):
        return value
    price = value.base
    for tier in value.tiers:
        if tokens > tier.start:
            price = tier.price
    return price
