"""What a call costs, exactly: integer arithmetic, rounded once.

Rates are kept as integers of 1e-18 USD a token, so that no price list of at most twelve decimals
loses a digit; a call's cost is rounded half-even to nano-USD at the very end (design, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

ATTO_PER_NANO = 10**9
_ATTO_PER_USD_PER_MILLION = 10**12


def _rate(usd_per_million: Decimal) -> int:
    scaled = usd_per_million * _ATTO_PER_USD_PER_MILLION
    if scaled != scaled.to_integral_value() or scaled < 0:
        raise ValueError(f"{usd_per_million} USD per million tokens is finer than 12 decimals")
    return int(scaled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices of one kind of token list, in 1e-18 USD a token."""

    input: int
    output: int
    cache_read: int
    cache_write: int

    @classmethod
    def per_million(
        cls,
        *,
        input: Decimal,
        output: Decimal,
        cache_read: Decimal | None = None,
        cache_write: Decimal | None = None,
    ) -> Rates:
        """Rates from USD per million tokens; cached tokens cost what fresh ones do if unsaid.

        Raises:
            ValueError: a price is negative or finer than twelve decimals.
        """
        return cls(
            input=_rate(input),
            output=_rate(output),
            cache_read=_rate(input if cache_read is None else cache_read),
            cache_write=_rate(input if cache_write is None else cache_write),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's price: `tiers` hold dearer rates from a number of input tokens on, ascending."""

    base: Rates
    tiers: tuple[tuple[int, Rates], ...] = ()

    def rates_for(self, input_tokens: int) -> Rates:
        """The rates for a call with this many input tokens, cached ones included."""
        chosen = self.base
        for above, rates in self.tiers:
            if input_tokens > above:
                chosen = rates
        return chosen


def cost_nano(
    price: Price,
    *,
    input_tokens: int | None,
    output_tokens: int | None,
    cache_read_tokens: int | None = None,
    cache_write_tokens: int | None = None,
) -> int | None:
    """Cost of a call in nano-USD; `None` where the provider did not say how much was used.

    `input_tokens` includes the cached ones; a cached part larger than the whole is the provider's
    mistake and is cut to it.
    """
    if input_tokens is None or output_tokens is None:
        return None
    rates = price.rates_for(input_tokens)
    read = min(cache_read_tokens or 0, input_tokens)
    written = min(cache_write_tokens or 0, input_tokens - read)
    atto = (
        (input_tokens - read - written) * rates.input
        + read * rates.cache_read
        + written * rates.cache_write
        + output_tokens * rates.output
    )
    return round_half_even(atto, ATTO_PER_NANO)


def round_half_even(value: int, unit: int) -> int:
    """`value / unit`, rounded to the nearest integer, ties to the even one; `value` >= 0."""
    whole, rest = divmod(value, unit)
    if 2 * rest > unit or (2 * rest == unit and whole % 2):
        return whole + 1
    return whole
