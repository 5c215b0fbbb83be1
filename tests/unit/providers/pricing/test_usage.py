"""Usage of every vendor is read completely: an item without a price makes the cost NULL by name."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from streams.providers.anthropic import usage as anthropic_usage
from streams.providers.openai import usage as openai_usage
from streams.providers.port import Usage
from streams.providers.pricing.price_list import PriceBook
from streams.routing.snapshot import ListPrice, TokenPrice
from tests.unit.providers.pricing.test_prices import model

OWN = ListPrice(input=Decimal(1), output=Decimal(10), cache_read=Decimal("0.1"))
BOOK = PriceBook(lambda: datetime(2026, 11, 1, tzinfo=UTC))


def _cost(usage: Usage, own: ListPrice | None = OWN, provider: str = "openai") -> int | None:
    name = "gpt-4o" if provider == "openai" else "claude-opus-4-8"
    return BOOK.cost_of(model(name, provider, own=own), usage)[0]


def _tokens(usage: Usage) -> tuple[int | None, int | None, int | None, int | None]:
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
    )


OPENAI: dict[str, tuple[dict[str, Any], tuple[int | None, ...]]] = {
    "xAI: reasoning beside the answer": (
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
            "prompt_tokens_details": {"text_tokens": 32, "image_tokens": 0, "cached_tokens": 6},
            "num_sources_used": 0,
        },
        (32, 103, 6, None),
    ),
    "a total with more than its parts": (
        {"prompt_tokens": 10, "completion_tokens": 200, "total_tokens": 1_210},
        (10, 1_200, None, None),
    ),
    "OpenAI: reasoning inside": (
        {
            "prompt_tokens": 10,
            "completion_tokens": 50,
            "total_tokens": 60,
            "completion_tokens_details": {
                "reasoning_tokens": 30,
                "accepted_prediction_tokens": 4,
                "rejected_prediction_tokens": 2,
                "audio_tokens": 0,
            },
        },
        (10, 50, None, None),
    ),
    "OpenRouter: cache writes": (
        {
            "prompt_tokens": 3_000,
            "completion_tokens": 100,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 2_400},
            "cost": 0.01,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": 0.01},
        },
        (3_000, 100, 0, 2_400),
    ),
    "Moonshot: cached at the top": (
        {"prompt_tokens": 1_000, "completion_tokens": 10, "cached_tokens": 900},
        (1_000, 10, 900, None),
    ),
    "DeepSeek": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "total_tokens": 110,
            "prompt_tokens_details": {"cached_tokens": 64},
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 36,
        },
        (100, 10, 64, None),
    ),
    "Groq: timings": (
        {
            "queue_time": 0.05,
            "prompt_tokens": 24,
            "prompt_time": 0.002,
            "completion_tokens": 377,
            "completion_time": 0.69,
            "total_tokens": 401,
            "total_time": 0.7,
        },
        (24, 377, None, None),
    ),
    "SambaNova: rates": (
        {
            "prompt_tokens": 24,
            "completion_tokens": 30,
            "total_tokens": 54,
            "completion_tokens_per_sec": 400.1,
            "time_to_first_token": 0.1,
            "total_latency": 0.5,
            "acceptance_rate": 3.5,
            "is_last_response": True,
        },
        (24, 30, None, None),
    ),
    "Gemini's door: thoughts only in the total": (
        {"prompt_tokens": 8, "completion_tokens": 20, "total_tokens": 528},
        (8, 520, None, None),
    ),
    "a gateway: cached beside the prompt": (
        {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 1_010,
         "cache_read_input_tokens": 900},
        (1_000, 10, 900, None),
    ),
    "an answer that is only in the total": (
        {"prompt_tokens": 10, "total_tokens": 15},
        (10, 5, None, None),
    ),
    "Responses' names": (
        {"input_tokens": 9, "output_tokens": 3, "input_tokens_details": {"cached_tokens": 2}},
        (9, 3, 2, None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("who", OPENAI)
def test_tokens_of_openai_s_format(who: str) -> None:
    document, wanted = OPENAI[who]
    usage = openai_usage.usage(document)
    assert _tokens(usage) == wanted
    assert usage.unknown == ()
    assert _cost(usage) is not None


ONE: dict[str, Any] = {"prompt_tokens": 10, "completion_tokens": 5}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"citation_tokens": 300}, "citation_tokens"),
        ({"num_sources_used": 4}, "num_sources_used"),
        ({"prompt_audio_seconds": 12}, "prompt_audio_seconds"),
        ({"prompt_tokens_details": {"video_tokens": 9}}, "prompt_tokens_details.video_tokens"),
        (
            {"completion_tokens_details": {"image_tokens": 9}},
            "completion_tokens_details.image_tokens",
        ),
        ({"search_context_size": "high"}, "search_context_size"),
        ({"server_tool_use": {"code_runs": 1}}, "server_tool_use.code_runs"),
        ({"total_tokens": 3}, "total_tokens"),
        ({"total_tokens": "15"}, "total_tokens"),
        ({"prompt_tokens_details": {"cached_tokens": "9"}}, "prompt_tokens_details.cached_tokens"),
        (
            {"completion_tokens_details": {"reasoning_tokens": 99}},
            "completion_tokens_details.reasoning_tokens",
        ),
        (
            {"prompt_cache_hit_tokens": 5, "prompt_cache_miss_tokens": 50},
            "prompt_cache_miss_tokens",
        ),
        ({"cached_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}, "cached_tokens"),
        ({"mystery": {"a": [0, {"b": 1}]}}, "mystery.a"),
        ({"plan": "gold"}, "plan"),
        ({"inference_geo": "us"}, "inference_geo"),
    ],
    ids=str,
)
def test_unknown_or_contradicting_usage_makes_the_cost_unknown_by_name(
    more: dict[str, Any], named: str
) -> None:
    usage = openai_usage.usage({**ONE, **more})
    assert any(named in each for each in usage.unknown)
    assert _cost(usage) is None
    assert BOOK.unpriced(model("gpt-4o", own=OWN), usage) == usage.unknown


@pytest.mark.parametrize("nothing", [0, None, "", [], {}, False, {"a": 0, "b": [None]}], ids=str)
def test_an_empty_unknown_field_changes_nothing(nothing: Any) -> None:
    usage = openai_usage.usage({**ONE, "mystery": nothing})
    assert usage.unknown == ()
    assert _cost(usage) == 10_000 + 50_000


def test_a_flood_of_unknown_fields_is_named_in_bounds() -> None:
    usage = openai_usage.usage({**ONE, **{f"x\n{'y' * 300}{n}": 1 for n in range(5_000)}})
    assert 0 < len(usage.unknown) <= 8
    assert all(len(each) <= 80 and each.isprintable() for each in usage.unknown)


def test_cache_writes_are_priced() -> None:
    own = ListPrice(input=Decimal(1), output=Decimal(10), cache_write=Decimal("1.25"))
    usage = openai_usage.usage(OPENAI["OpenRouter: cache writes"][0])
    assert _cost(usage, own) == 600 * 1_000 + 2_400 * 1_250 + 100 * 10_000


def test_audio_is_priced_or_unknown() -> None:
    usage = openai_usage.usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "prompt_tokens_details": {"audio_tokens": 40},
            "completion_tokens_details": {"audio_tokens": 30},
        }
    )
    priced = ListPrice(
        input=Decimal(1), output=Decimal(10), audio_input=Decimal(32), audio_output=Decimal(64)
    )
    assert _cost(usage, priced) == 60 * 1_000 + 40 * 32_000 + 20 * 10_000 + 30 * 64_000
    assert _cost(usage) is None
    assert BOOK.unpriced(model("m", own=OWN), usage) == (
        "audio_input_tokens",
        "audio_output_tokens",
    )


def test_cached_audio_has_no_known_price() -> None:
    details = {"audio_tokens": 40, "cached_tokens": 20}
    usage = openai_usage.usage({**ONE, "prompt_tokens": 100, "prompt_tokens_details": details})
    priced = ListPrice(input=Decimal(1), output=Decimal(1), audio_input=Decimal(1))
    assert _cost(usage, priced) is None


def test_searches_are_priced_or_unknown() -> None:
    usage = anthropic_usage.usage(
        {
            "input_tokens": 1_000,
            "output_tokens": 100,
            "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 2},
        }
    )
    # 10 USD a thousand searches, 5 and 25 USD a million tokens.
    assert _cost(usage, None, "anthropic") == 3 * 10_000_000 + 1_000 * 5_000 + 100 * 25_000
    assert _cost(usage, OWN, "anthropic") is None
    priced = ListPrice(input=Decimal(1), output=Decimal(1), web_search=Decimal(8))
    assert _cost(usage, priced, "anthropic") == 3 * 8_000_000 + 1_100 * 1_000
    assert BOOK.unpriced(model("m", "anthropic", own=OWN), usage) == ("web_searches",)


PLAIN = {"input_tokens": 1_000, "output_tokens": 100}


def test_geography_and_speed_have_their_factor_or_no_cost() -> None:
    plain = _cost(anthropic_usage.usage(PLAIN), None, "anthropic")
    assert plain == 1_000 * 5_000 + 100 * 25_000
    us = anthropic_usage.usage({**PLAIN, "inference_geo": "us"})
    assert _cost(us, None, "anthropic") == plain * 11 // 10
    fast = anthropic_usage.usage({**PLAIN, "speed": "fast"})
    assert _cost(fast, None, "anthropic") == 2 * plain
    for more in ({"inference_geo": "eu"}, {"speed": "ludicrous"}):
        unusual = anthropic_usage.usage({**PLAIN, **more})
        assert _cost(unusual, None, "anthropic") is None
        found = BOOK.unpriced(model("claude-opus-4-8", "anthropic"), unusual)
        assert len(found) == 1
        assert next(iter(more.values())) in found[0]
    for usual in ({"inference_geo": "global"}, {"inference_geo": "not_available"},
                  {"speed": "standard", "service_tier": "standard"}):  # fmt: skip
        assert _cost(anthropic_usage.usage({**PLAIN, **usual}), None, "anthropic") == plain


def test_an_override_prices_only_the_variants_that_it_lists() -> None:
    dear = TokenPrice(input=Decimal(3), output=Decimal(30))
    own = ListPrice(
        input=Decimal(1),
        output=Decimal(10),
        service_tiers=(("priority", dear),),
        speeds=(("fast", dear),),
        geographies=(("us", Decimal("1.1")),),
    )
    plain = 1_000 * 1_000 + 100 * 10_000

    def cost(**more: str) -> int | None:
        return _cost(anthropic_usage.usage({**PLAIN, **more}), own, "anthropic")

    assert cost() == plain
    assert cost(service_tier="priority") == cost(speed="fast") == 3 * plain
    assert cost(inference_geo="us") == plain * 11 // 10
    assert cost(service_tier="batch") is None
    assert cost(service_tier="priority", speed="fast") is None
    assert _cost(Usage(input_tokens=1, output_tokens=1, service_tier="priority")) is None
    tiered = Usage(input_tokens=1, output_tokens=1, service_tier="priority")
    assert BOOK.unpriced(model("m", own=OWN), tiered) == ("service_tier priority",)


@pytest.mark.parametrize("tier", ["default", "auto", "standard", "on_demand", None])
def test_the_usual_service_tier_has_the_usual_price(tier: str | None) -> None:
    assert openai_usage.usage(ONE, tier).service_tier is None


def test_a_batch_is_priced_by_the_list_as_one() -> None:
    spent = Usage(input_tokens=1_000, output_tokens=100, service_tier="batch")
    assert _cost(spent, None, "anthropic") == 1_000 * 2_500 + 100 * 12_500


def test_cache_writes_of_an_hour_cost_twice_the_input_and_others_a_quarter_more() -> None:
    usage = anthropic_usage.usage(
        {
            "input_tokens": 10,
            "output_tokens": 0,
            "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        }
    )
    assert usage.unknown == ()
    assert _cost(usage, OWN, "anthropic") == 10 * 1_000 + 100 * 1_250 + 200 * 2_000
    assert _cost(usage, None, "anthropic") == 10 * 5_000 + 100 * 6_250 + 200 * 10_000


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 4}},
         "cache_creation"),
        ({"cache_creation": {"ephemeral_24h_input_tokens": 4}},
         "cache_creation.ephemeral_24h_input_tokens"),
        ({"server_tool_use": {"code_execution_requests": 1}},
         "server_tool_use.code_execution_requests"),
        ({"iterations": [{"type": "compaction", "input_tokens": 9, "output_tokens": 9}]},
         "iterations"),
        ({"audio_tokens": 3}, "audio_tokens"),
        ({"service_tier": 7}, "service_tier"),
    ],
    ids=str,
)  # fmt: skip
def test_unknown_billed_fields_of_anthropic_are_named(more: dict[str, Any], named: str) -> None:
    usage = anthropic_usage.usage({**PLAIN, **more})
    assert usage.unknown == (named,)
    assert _cost(usage, None, "anthropic") is None


def test_iterations_that_equal_the_totals_are_not_unknown_usage() -> None:
    steps = [{"type": "message", **PLAIN}]
    assert anthropic_usage.usage({**PLAIN, "iterations": steps}).unknown == ()


@pytest.mark.parametrize(
    "field",
    ["video_time", "compute_duration", "session_time_s", "container_time", "price_rate"],
)
def test_usage_billed_by_time_is_no_mere_measurement(field: str) -> None:
    assert openai_usage.usage({**ONE, field: 12}).unknown == (field,)
    assert openai_usage.usage({**ONE, "decode_time": 12, "draft_rate": 0.5}).unknown == ()


def test_more_reasoning_than_output_makes_the_cost_unknown_whatever_the_total() -> None:
    details = {"completion_tokens_details": {"reasoning_tokens": 6}}
    for total in ({}, {"total_tokens": 15}):
        usage = openai_usage.usage({**ONE, **total, **details})
        assert usage.unknown == ("completion_tokens_details.reasoning_tokens",)
    beside = openai_usage.usage({**ONE, "total_tokens": 21, **details})
    assert (beside.output_tokens, beside.unknown) == (11, ())
    thought = {
        "input_tokens": 4,
        "output_tokens": 2,
        "output_tokens_details": {"thinking_tokens": 3},
    }
    assert anthropic_usage.usage(thought).unknown == ("output_tokens_details.thinking_tokens",)


@pytest.mark.parametrize("levels", [7, 300, 1_020])
@pytest.mark.parametrize("inner", [0, 5])
def test_usage_of_a_thousand_levels_is_read(levels: int, inner: int) -> None:
    lists: Any = inner
    objects: Any = inner
    for _ in range(levels):
        lists, objects = [lists], {"a": objects}
    for unusual in (lists, objects):
        assert bool(openai_usage.usage({**ONE, "odd": unusual}).unknown) == bool(inner)
        plain = {"input_tokens": 3, "output_tokens": 1, "iterations": unusual}
        assert bool(anthropic_usage.usage(plain).unknown) == bool(inner)
