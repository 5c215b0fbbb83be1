"""Exact cost of a call: integer arithmetic, rounded once.

Rates are integers of 1e-30 USD a token, so no price list of at most 24 decimals loses a digit
(lists made from floating point have prices like 0.18000000000000002). A call's cost is rounded
half-even to nano-USD at the very end (design, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

UNITS_PER_NANO = 10**21
ONE = Fraction(1)
_UNIT_DIGITS_PER_MILLION = 24
_UNIT_DIGITS_PER_THOUSAND = 27


def _rate(usd: Decimal, digits: int = _UNIT_DIGITS_PER_MILLION) -> int:
    # `Decimal.scaleb` would round to the 28 digits of the context.
    scaled = Fraction(usd) * 10**digits
    if scaled.denominator != 1 or scaled < 0:
        raise ValueError(f"a price of {usd} USD is negative or finer than 24 decimals")
    return int(scaled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices of each kind of token, in 1e-30 USD a token; `None` if unknown."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    audio_input: int | None = None
    audio_output: int | None = None

    @classmethod
    def per_million(
        cls,
        *,
        input: Decimal,
        output: Decimal,
        cache_read: Decimal | None = None,
        cache_write: Decimal | None = None,
        cache_write_1h: Decimal | None = None,
        audio_input: Decimal | None = None,
        audio_output: Decimal | None = None,
    ) -> Rates:
        """Return rates from USD per million tokens. Cached tokens default to the input price, those
        cached for an hour to that of other cache writes.

        Raises:
            ValueError: a price is negative or finer than 24 decimals.
        """
        written = _rate(input if cache_write is None else cache_write)
        return cls(
            input=_rate(input),
            output=_rate(output),
            cache_read=_rate(input if cache_read is None else cache_read),
            cache_write=written,
            cache_write_1h=written if cache_write_1h is None else _rate(cache_write_1h),
            audio_input=None if audio_input is None else _rate(audio_input),
            audio_output=None if audio_output is None else _rate(audio_output),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's price.

    `tiers` hold higher rates for calls with more than a number of input tokens, ascending; they
    apply to all tokens of such a call. `request` is a fee for each call and `web_search` for each
    search, in 1e-30 USD; a search without a known fee leaves the cost unknown.
    """

    base: Rates
    tiers: tuple[tuple[int, Rates], ...] = ()
    request: int = 0
    web_search: int | None = None

    def rates_for(self, input_tokens: int) -> Rates:
        """Return the rates for a call with this many input tokens, cached ones included."""
        chosen = self.base
        for above, rates in self.tiers:
            if input_tokens > above:
                chosen = rates
        return chosen


def request_fee(usd_per_thousand: Decimal) -> int:
    """Return `Price.request` from USD per thousand calls.

    Raises:
        ValueError: the fee is negative or finer than 27 decimals.
    """
    return _rate(usd_per_thousand, _UNIT_DIGITS_PER_THOUSAND)


def cost_nano(
    price: Price | None,
    *,
    input_tokens: int | None,
    output_tokens: int | None,
    cache_read_tokens: int | None = None,
    cache_write_tokens: int | None = None,
    cache_write_1h_tokens: int | None = None,
    audio_input_tokens: int | None = None,
    audio_output_tokens: int | None = None,
    web_searches: int | None = None,
    token_factor: Fraction = ONE,
) -> int | None:
    """Return the cost of a call in nano-USD; `None` without a price, without reported usage, or if
    a part of the usage has no known price.

    `input_tokens` includes cached and audio tokens, `output_tokens` includes audio tokens and
    `cache_write_tokens` those cached for an hour. Unreported parts count as 0. A part larger than
    its whole leaves the usage unknown, and so do audio tokens of which some are cached.
    `token_factor` multiplies the cost of tokens, not fees.
    """
    if price is None or input_tokens is None or output_tokens is None:
        return None
    rates = price.rates_for(input_tokens)
    read, written = cache_read_tokens or 0, cache_write_tokens or 0
    kept = cache_write_1h_tokens or 0
    audio_in, audio_out = audio_input_tokens or 0, audio_output_tokens or 0
    fresh, text = input_tokens - read - written - audio_in, output_tokens - audio_out
    if fresh < 0 or text < 0 or kept > written or (audio_in and (read or written)):
        return None
    extras = _priced((audio_in, rates.audio_input), (audio_out, rates.audio_output))
    searches = _priced((web_searches or 0, price.web_search))
    if extras is None or searches is None:
        return None
    tokens = (
        fresh * rates.input
        + read * rates.cache_read
        + (written - kept) * rates.cache_write
        + kept * rates.cache_write_1h
        + text * rates.output
        + extras
    )
    over = token_factor.denominator
    units = tokens * token_factor.numerator + (price.request + searches) * over
    return round_half_even(units, UNITS_PER_NANO * over)


def _priced(*parts: tuple[int, int | None]) -> int | None:
    """Return the sum of counts times their rates; `None` if a nonzero count has no rate."""
    total = 0
    for number, rate in parts:
        if number and rate is None:
            return None
        total += number * (rate or 0)
    return total


def round_half_even(value: int, unit: int) -> int:
    """Return `value / unit`, rounded to the nearest integer, ties to the even one; `value` >= 0."""
    whole, rest = divmod(value, unit)
    if 2 * rest > unit or (2 * rest == unit and whole % 2):
        return whole + 1
    return whole
