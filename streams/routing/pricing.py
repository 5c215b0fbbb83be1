"""What a call costs, exactly: integer arithmetic, rounded once.

Rates are kept as integers of 1e-30 USD a token, so that no price list of at most 24 decimals loses
a digit (lists made from floating point have prices like 0.18000000000000002); a call's cost is
rounded half-even to nano-USD at the very end (design, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

UNITS_PER_NANO = 10**21
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
    """Prices of one kind of token list, in 1e-30 USD a token."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    cache_write_1h: int

    @classmethod
    def per_million(
        cls,
        *,
        input: Decimal,
        output: Decimal,
        cache_read: Decimal | None = None,
        cache_write: Decimal | None = None,
        cache_write_1h: Decimal | None = None,
    ) -> Rates:
        """Rates from USD per million tokens; cached tokens cost what fresh ones do if unsaid,
        those kept for an hour what other written ones do.

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
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's price.

    `tiers` hold dearer rates for calls with more than a number of input tokens, ascending; they
    hold for all tokens of such a call. `request` is a fee for each call, in 1e-30 USD.
    """

    base: Rates
    tiers: tuple[tuple[int, Rates], ...] = ()
    request: int = 0

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates for a call with this many input tokens, cached ones included."""
        chosen = self.base
        for above, rates in self.tiers:
            if input_tokens > above:
                chosen = rates
        return chosen


def request_fee(usd_per_thousand: Decimal) -> int:
    """`Price.request` from USD per thousand calls.

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
) -> int | None:
    """Cost of a call in nano-USD; `None` without a price, or where the provider did not say how
    much was used.

    `input_tokens` includes the cached ones and `cache_write_tokens` those kept for an hour. Cached
    tokens that nobody spoke of are none; a part larger than its whole leaves the use unknown.
    """
    if price is None or input_tokens is None or output_tokens is None:
        return None
    rates = price.rates_for(input_tokens)
    read, written = cache_read_tokens or 0, cache_write_tokens or 0
    kept = cache_write_1h_tokens or 0
    fresh = input_tokens - read - written
    if fresh < 0 or kept > written:
        return None
    units = (
        fresh * rates.input
        + read * rates.cache_read
        + (written - kept) * rates.cache_write
        + kept * rates.cache_write_1h
        + output_tokens * rates.output
        + price.request
    )
    return round_half_even(units, UNITS_PER_NANO)


def round_half_even(value: int, unit: int) -> int:
    """`value / unit`, rounded to the nearest integer, ties to the even one; `value` >= 0."""
    whole, rest = divmod(value, unit)
    if 2 * rest > unit or (2 * rest == unit and whole % 2):
        return whole + 1
    return whole
