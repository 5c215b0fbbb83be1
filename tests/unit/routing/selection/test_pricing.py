"""A call's cost is exact: the sum of its parts, rounded once, half-even; unknown stays unknown."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.selection.pricing import (
    UNITS_PER_NANO,
    Price,
    Rates,
    cost_nano,
    request_fee,
    round_half_even,
)


def _rates(input: str = "3", output: str = "15", **cached: str) -> Rates:
    return Rates.per_million(
        input=Decimal(input),
        output=Decimal(output),
        **{name: Decimal(price) for name, price in cached.items()},
    )


PLAIN = Price(base=_rates())
CACHED = Price(base=_rates(cache_read="0.3", cache_write="3.75", cache_write_1h="6"))


def _cost(price: Price | None, fresh: int | None, out: int | None, **cached: Any) -> int | None:
    return cost_nano(price, input_tokens=fresh, output_tokens=out, **cached)


def test_a_million_tokens_cost_the_listed_price() -> None:
    assert _cost(PLAIN, 1_000_000, 0) == 3_000_000_000
    assert _cost(PLAIN, 0, 1_000_000) == 15_000_000_000
    assert _cost(PLAIN, 0, 0) == 0


def test_cached_tokens_are_part_of_the_input_and_have_their_own_rates() -> None:
    cost = _cost(
        CACHED,
        1_000,
        10,
        cache_read_tokens=500,
        cache_write_tokens=300,
        cache_write_1h_tokens=100,
    )

    assert cost == 200 * 3_000 + 500 * 300 + 200 * 3_750 + 100 * 6_000 + 10 * 15_000


def test_cached_tokens_cost_what_fresh_ones_do_where_the_list_is_silent() -> None:
    cached = {"cache_read_tokens": 500, "cache_write_tokens": 300, "cache_write_1h_tokens": 100}

    assert _cost(PLAIN, 1_000, 10, **cached) == _cost(PLAIN, 1_000, 10)


def test_tokens_kept_for_an_hour_cost_what_other_written_ones_do_where_the_list_is_silent() -> None:
    price = Price(base=_rates(cache_write="3.75"))
    kept = _cost(price, 100, 0, cache_write_tokens=100, cache_write_1h_tokens=100)

    assert kept == _cost(price, 100, 0, cache_write_tokens=100) == 375_000


def test_a_cache_price_of_zero_is_free_and_not_unknown() -> None:
    price = Price(base=_rates(cache_read="0", cache_write="0", cache_write_1h="0"))

    assert _cost(price, 100, 0, cache_read_tokens=100) == 0
    assert _cost(price, 100, 0, cache_write_tokens=100, cache_write_1h_tokens=50) == 0


def test_without_a_price_or_a_count_there_is_no_cost() -> None:
    assert _cost(None, 1, 1) is None
    assert _cost(PLAIN, None, 1) is None
    assert _cost(PLAIN, 1, None) is None


@pytest.mark.parametrize(
    "cached",
    [
        {"cache_read_tokens": 101},
        {"cache_write_tokens": 101},
        {"cache_read_tokens": 60, "cache_write_tokens": 41},
        {"cache_write_tokens": 10, "cache_write_1h_tokens": 11},
        {"cache_write_1h_tokens": 1},
    ],
    ids=str,
)
def test_a_part_larger_than_its_total_has_no_cost(cached: dict[str, int]) -> None:
    assert _cost(CACHED, 100, 1, **cached) is None


def test_a_part_equal_to_its_total_is_priced() -> None:
    assert _cost(CACHED, 100, 0, cache_read_tokens=100) == 30_000
    assert _cost(CACHED, 100, 0, cache_write_tokens=100, cache_write_1h_tokens=100) == 600_000


def test_higher_rates_apply_to_every_token_of_a_call_above_their_limit() -> None:
    price = Price(base=_rates("1", "2"), tiers=((200, _rates("2", "4")), (1_000, _rates("5", "9"))))

    assert _cost(price, 200, 1) == 200 * 1_000 + 2_000
    assert _cost(price, 201, 1) == 201 * 2_000 + 4_000
    assert _cost(price, 1_000, 1) == 1_000 * 2_000 + 4_000
    assert _cost(price, 1_001, 1) == 1_001 * 5_000 + 9_000
    assert _cost(price, 201, 1, cache_read_tokens=200) == 201 * 2_000 + 4_000


def test_a_fee_is_paid_for_each_call() -> None:
    price = Price(base=_rates("1", "1"), request=request_fee(Decimal("10")))

    assert _cost(price, 1, 0) == 10_000_000 + 1_000


@pytest.mark.parametrize(
    ("input", "tokens", "nano"),
    [
        ("0.0005", 1, 0),
        ("0.0015", 1, 2),
        ("0.0025", 1, 2),
        ("0.0035", 1, 4),
        ("0.000500000000000000000001", 1, 1),
        ("0.002499999999999999999999", 1, 2),
        ("0.0005", 2, 1),
        ("0.0005", 3, 2),
        ("0.18000000000000002", 1, 180),
    ],
)
def test_half_a_nano_rounds_to_even(input: str, tokens: int, nano: int) -> None:
    assert _cost(Price(base=_rates(input)), tokens, 0) == nano


def test_parts_are_summed_before_they_are_rounded() -> None:
    price = Price(base=_rates("0.0004", "0.0004", cache_read="0.0004"))

    assert _cost(price, 1, 0) == 0
    assert _cost(price, 2, 1, cache_read_tokens=1) == 1


@pytest.mark.parametrize("usd", ["-0.1", "1E-25", "0.1234567890123456789012345"])
def test_a_price_that_can_not_be_kept_exactly_is_refused(usd: str) -> None:
    with pytest.raises(ValueError, match="negative or finer than"):
        _rates(usd)


@pytest.mark.parametrize("usd", ["-1", "1E-28"])
def test_a_fee_that_can_not_be_kept_exactly_is_refused(usd: str) -> None:
    with pytest.raises(ValueError, match="negative or finer than"):
        request_fee(Decimal(usd))


USD = st.integers(0, 10**30).map(lambda units: Decimal(f"{units}E-24"))
"""Prices of 24 decimals up to a million USD."""
TOKENS = st.integers(0, 2_000_000)


@given(input=USD, output=USD, fee=USD, fresh=TOKENS, read=TOKENS, out=TOKENS)
def test_the_cost_is_the_exact_sum_of_its_parts(
    input: Decimal, output: Decimal, fee: Decimal, fresh: int, read: int, out: int
) -> None:
    price = Price(
        base=Rates.per_million(input=input, output=output, cache_read=output),
        request=request_fee(fee),
    )
    cost = _cost(price, fresh + read, out, cache_read_tokens=read)
    exact = (
        fresh * Fraction(input) * 1_000
        + (read + out) * Fraction(output) * 1_000
        + Fraction(fee) * 1_000_000
    )

    assert cost == round(exact)


@given(st.integers(0, 10**30))
def test_no_price_of_24_decimals_loses_a_digit(units: int) -> None:
    usd = Decimal(f"{units}E-24")

    assert Rates.per_million(input=usd, output=usd).input == units
    assert request_fee(Decimal(f"{units}E-27")) == units


@given(value=st.integers(0, 10**40), unit=st.sampled_from([1, 2, 3, 10, UNITS_PER_NANO]))
def test_rounding_agrees_with_decimal_s_half_even(value: int, unit: int) -> None:
    with localcontext(prec=100):
        exact = (Decimal(value) / unit).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)

    assert round_half_even(value, unit) == int(exact)


@given(fresh=TOKENS, out=TOKENS, more=st.integers(0, 1_000))
def test_more_tokens_never_cost_less(fresh: int, out: int, more: int) -> None:
    least = _cost(PLAIN, fresh, out)

    assert least is not None
    assert (_cost(PLAIN, fresh + more, out) or 0) >= least
    assert (_cost(PLAIN, fresh, out + more) or 0) >= least
