"""The price of a call: the registry's, else a dated list's, else unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from infra.simulator.pricing import TARIFFS, cost_nano
from streams.providers.port import Usage
from streams.providers.pricing.price_list import GENAI_PRICES, KEPT_S, REGISTRY, PriceBook
from streams.routing.snapshot import CAPABILITIES, Instance, ListPrice, Model

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def model(
    name: str,
    provider: str = "openai",
    url: str = "http://127.0.0.1/v1",
    own: ListPrice | None = None,
) -> Model:
    return Model(
        name=name,
        provider=provider,
        provider_model=name,
        tier="simple",
        capabilities=CAPABILITIES,
        context_window=1,
        max_output=1,
        expected_latency_ms=1,
        instances=(Instance(name="a", base_url=url),),
        price=own,
    )


def usage(fresh: int, output: int, read: int = 0, written: int = 0) -> Usage:
    return Usage(
        input_tokens=fresh + read + written,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=written,
    )


def test_the_registry_s_price_precedes_every_list() -> None:
    own = ListPrice(input=Decimal("1"), output=Decimal("2"), cache_read=Decimal("0.5"))
    book = PriceBook(lambda: NOW)
    cost = book.cost_of(model("gpt-4o", own=own), usage(1_000, 100, read=500, written=10))
    # 1,000 fresh at 1, 10 written at the input's price, 500 read at 0.5, 100 out at 2.
    assert cost == (1_000_000 + 10_000 + 250_000 + 200_000, REGISTRY)


def test_a_free_model_costs_nothing_and_that_is_known() -> None:
    own = ListPrice(input=Decimal(0), output=Decimal(0))
    assert PriceBook().cost_of(model("llama", own=own), usage(5, 5)) == (0, REGISTRY)


@pytest.mark.parametrize("name", sorted(TARIFFS))
def test_the_list_agrees_with_the_simulator_s_tariff(name: str) -> None:
    provider = "anthropic" if name.startswith("claude") else "openai"
    listed = PriceBook(lambda: NOW).cost_of(model(name, provider), usage(1_000, 300, 200))
    if listed[0] is None:
        pytest.skip("the list no longer prices it")
    assert listed == (cost_nano(name, fresh=1_000, output=300, cache_read=200), GENAI_PRICES)


def test_a_dated_name_is_found_under_its_model() -> None:
    book = PriceBook(lambda: NOW)
    dated = book.cost_of(model("gpt-4o-2024-08-06"), usage(10, 10))
    assert dated == book.cost_of(model("gpt-4o"), usage(10, 10))
    assert dated[0] is not None


def test_the_price_of_a_day_is_the_one_that_was_listed_then() -> None:
    # OpenAI cut o3 to a fifth on 2025-06-10.
    book = PriceBook()
    before = book.find("openai", "o3", at=datetime(2025, 6, 1, tzinfo=UTC))
    after = book.find("openai", "o3", at=datetime(2025, 7, 1, tzinfo=UTC))
    assert before is not None
    assert after is not None
    assert before.price.base.input == 5 * after.price.base.input


def test_a_price_that_becomes_valid_at_run_time_is_used() -> None:
    now = [datetime(2025, 6, 9, 23, 59, 59, tzinfo=UTC)]
    book = PriceBook(lambda: now[0])
    before = book.quote(model("o3"))
    now[0] += timedelta(seconds=KEPT_S / 2)
    assert book.quote(model("o3")) is before
    now[0] += timedelta(days=1)
    assert book.quote(model("o3")) != before


@pytest.mark.parametrize(
    ("name", "provider"),
    [("no-such-model-9", "openai"), ("gpt-4o", "nobody"), ("my-llama", "anthropic")],
)
def test_an_unknown_price_is_null_and_not_zero(name: str, provider: str) -> None:
    assert PriceBook().cost_of(model(name, provider), usage(5, 5)) == (None, None)


def test_a_known_price_of_unknown_usage_is_no_cost() -> None:
    cost, source = PriceBook().cost_of(model("gpt-4o"), Usage())
    assert (cost, source) == (None, GENAI_PRICES)


def test_an_unlisted_service_tier_has_no_price() -> None:
    spent = Usage(input_tokens=5, output_tokens=5, service_tier="platinum")
    assert PriceBook().cost_of(model("gpt-4o"), spent) == (None, None)


def test_service_tiers_that_a_provider_invents_do_not_fill_the_memory() -> None:
    book = PriceBook(lambda: NOW)
    for number in range(5_000):
        book.quote(model("gpt-4o"), f"tier-{number}")
    assert len(book._kept) <= 4_096
    assert book.quote(model("gpt-4o")) is not None


def test_the_vendor_of_an_address_is_priced_by_its_own_list() -> None:
    groq = model("llama-3.3-70b-versatile", url="https://api.groq.com/openai/v1")
    elsewhere = model("llama-3.3-70b-versatile", url="http://127.0.0.1/v1")
    book = PriceBook(lambda: NOW)
    assert book.cost_of(groq, usage(5, 5))[0] is not None
    assert book.cost_of(elsewhere, usage(5, 5)) == (None, None)
