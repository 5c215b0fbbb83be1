"""Hops through the real adapters, over a transport in memory: requests, bookings and alerts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from schemas.topics import ALERTS, COST
from streams.providers.anthropic import adapter as anthropic_adapter
from streams.providers.anthropic.adapter import AnthropicProvider
from streams.providers.http.exchange import Exchange
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.openai import adapter as openai_adapter
from streams.providers.openai.adapter import OpenAIProvider
from streams.providers.port import Timeouts
from streams.providers.pricing.price_list import PriceBook
from tests.unit.agents.world import World, deliver
from tests.unit.providers.world import good

REGISTRY = """
tiers: [simple, moderate, complex]
models:
  first: {provider: openai, tier: simple, price: {input: 1, output: 10}, max_output: 1000,
    instances: [{name: one, base_url: "http://localhost/1", api_key_env: SOME_API_KEY}]}
  second: {provider: anthropic, tier: moderate, price: {input: 1, output: 10}, max_output: 1000,
    context_window: 200000, instances: [{name: one, base_url: "http://localhost/2"}]}
  third: {provider: openai, tier: complex, price: {input: 1, output: 10}, context_window: 200000,
    max_output: 32000, instances: [{name: one, base_url: "http://localhost/3"}]}
"""
Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]


@dataclass
class Vendors:
    """Every vendor: answers by path and body."""

    answer: Answer
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Exchange:
        sent = orjson.loads(body)
        path = urlsplit(url).path[:2]
        self.requests.append((path, sent))
        status, document = self.answer(path, sent)
        return Exchange(status, {}, orjson.dumps(document))

    async def close(self) -> None:
        pass


def successful(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    return 200, good("anthropic" if path == "/2" else "openai")


@dataclass
class Outcome:
    """The results of the requests."""

    world: World
    vendors: Vendors

    @property
    def reply(self) -> dict[str, Any]:
        found: dict[str, Any] = self.world.replies()[-1]
        return found

    @property
    def costs(self) -> list[dict[str, Any]]:
        return self.world.events(COST, "CostEvent")

    @property
    def alerts(self) -> list[tuple[str, str]]:
        return [(each["rule"], each["subject"]) for each in self.world.events(ALERTS, "Alert")]


def run_requests(
    answer: Answer = successful,
    times: int = 1,
    keys: dict[str, str] | None = None,
    registry: str = REGISTRY,
    model: str | None = None,
    **body: Any,
) -> Outcome:
    """Send requests of this body, one after the other; `model` pins one."""
    vendors = Vendors(answer)
    world = World(registry=registry)
    ring = KeyRing(environment={"SOME_API_KEY": "sk"} if keys is None else keys)

    async def run() -> None:
        deps = await world.worker()
        providers = {
            kind.name: kind(ring, HostPolicy(), client=lambda: vendors)
            for kind in (OpenAIProvider, AnthropicProvider)
        }
        deps = replace(deps, calls=replace(deps.calls, providers=providers, pricing=PriceBook()))
        acked: set[tuple[str, int]] = set()
        for number in range(times):
            message = world.request(offset=number, request_id=f"r{number}")
            if model is not None:
                tier = next(t for m, t in TIER_OF.items() if m == model)
                message = replace(
                    message, tier=tier, decision=replace(message.decision, model=model, tier=tier)
                )
            if body:
                content = {"messages": [{"role": "user", "content": "capital?"}], **body}
                message = replace(message, body=orjson.dumps(content))
            await world.send(message)
            await deliver(world, deps, acked)

    asyncio.run(run())
    return Outcome(world=world, vendors=vendors)


TIER_OF = {"first": "simple", "second": "moderate", "third": "complex"}


def test_a_refused_parameter_is_omitted_in_later_calls_and_reported() -> None:
    def refuses(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if "temperature" in body:
            error = {"message": "Unsupported parameter: 'temperature'", "param": "temperature",
                     "code": "unsupported_parameter"}  # fmt: skip
            return 400, {"error": error}
        return successful(path, body)

    found = run_requests(refuses, times=2, temperature=0.5, seed=3)
    assert [path for path, _ in found.vendors.requests] == ["/1", "/1", "/1"]
    assert ["temperature" in body for _, body in found.vendors.requests] == [True, False, False]
    assert all(body["seed"] == 3 for _, body in found.vendors.requests)
    assert [reply["status"] for reply in found.world.replies()] == ["replied", "replied"]
    assert [event["status"] for event in found.costs] == ["bad_request", "ok", "ok"]
    assert found.costs[0]["cost_nano"] == 0
    assert found.alerts == [("unsupported_parameter", "first/temperature")]


def test_a_parameter_the_registry_lists_as_unsupported_is_not_sent() -> None:
    registry = REGISTRY.replace("tier: simple,", "tier: simple, unsupported: [temperature],")
    found = run_requests(registry=registry, temperature=0.5)
    assert "temperature" not in found.vendors.requests[0][1]
    assert found.alerts == []


@pytest.mark.parametrize("where", ["building", "reading"])
def test_an_adapter_fault_opens_no_circuit_and_another_model_is_called(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise KeyError("a prompt")

    part = {"building": "request_body", "reading": "completion"}[where]
    monkeypatch.setattr(openai_adapter, part, breaks)
    found = run_requests(times=8)
    assert {reply["model"] for reply in found.world.replies()} == {"second"}
    faults = [event for event in found.costs if event["status"] == "adapter_fault"]
    assert len(faults) == 8
    assert {event["cost_nano"] for event in faults} == ({0} if where == "building" else {None})
    assert {rule for rule, _ in found.alerts} == {"adapter_fault"}
    text = str(found.world.events(ALERTS, "Alert"))
    assert "KeyError" in text
    assert "a prompt" not in text


def test_when_every_adapter_fails_the_request_fails_for_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    for adapter in (openai_adapter, anthropic_adapter):
        monkeypatch.setattr(adapter, "request_body", breaks)
    found = run_requests()
    assert (found.reply["status"], found.reply["error"]["retryable"]) == ("failed", False)
    assert found.reply["cost_usd"] == 0


def test_a_call_that_never_left_costs_nothing_and_is_not_unknown() -> None:
    found = run_requests(keys={})
    first = found.costs[0]
    assert (first["status"], first["cost_nano"]) == ("auth", 0)
    assert found.reply["status"] == "replied"
    assert found.reply["cost_usd"] is not None


def test_a_host_that_is_refused_and_a_provider_that_is_missing_cost_nothing() -> None:
    registry = REGISTRY.replace("http://localhost/1", "http://example.org/1").replace(
        "provider: anthropic", "provider: nobody"
    )
    found = run_requests(registry=registry)
    assert [event["cost_nano"] for event in found.costs[:2]] == [0, 0]
    assert found.reply["model"] == "third"
    assert found.vendors.requests[0][0] == "/3"


def test_an_unknown_usage_field_makes_the_cost_null_and_is_alerted_by_name() -> None:
    def searched(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "num_sources_used": 4}
        return 200, good("openai", usage=usage)

    found = run_requests(searched)
    assert found.costs[0]["cost_nano"] is None
    assert found.reply["cost_usd"] is None
    assert found.alerts == [("unknown_usage", "first/num_sources_used")]
    assert "num_sources_used" in found.world.events(ALERTS, "Alert")[0]["message"]


@pytest.mark.parametrize(
    "usage",
    [
        {},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        {"prompt_tokens": 9},
        {
            "prompt_tokens": 9,
            "completion_tokens": 3,
            "prompt_tokens_details": {"cached_tokens": 90},
        },
    ],
)
def test_missing_or_contradictory_usage_makes_the_cost_null_and_is_alerted(
    usage: dict[str, Any],
) -> None:
    found = run_requests(lambda path, body: (200, good("openai", usage=usage)))
    assert found.costs[0]["cost_nano"] is None
    assert [rule for rule, _ in found.alerts] == ["unknown_usage"]
    assert found.alerts[0][1].startswith("first/")


def test_a_limit_above_the_model_s_is_reduced_and_named_in_the_reasons() -> None:
    for model, name in (("first", "max_tokens"), ("second", "max_tokens")):
        found = run_requests(model=model, max_tokens=100_000)
        assert found.vendors.requests[0][1][name] == 1_000
        assert any("100000 to 1000" in why for why in found.reply["routing"]["reasons"])
    assert not any("cut" in why for why in run_requests(max_tokens=5).reply["routing"]["reasons"])


def test_a_limit_that_is_added_fits_what_the_prompt_leaves() -> None:
    prompt = [{"role": "user", "content": "word " * 144_000}]
    found = run_requests(model="third", messages=prompt)
    assert 1 <= found.vendors.requests[0][1]["max_tokens"] <= 20_000


def test_an_overflow_goes_to_a_model_with_room() -> None:
    def overflows(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/3":
            return successful(path, body)
        return 400, {"error": {"message": "input length and `max_tokens` exceed context limit"}}

    found = run_requests(overflows)
    assert [event["status"] for event in found.costs] == ["context_length"] * 2 + ["ok"]
    assert found.reply["model"] == "third"


@pytest.mark.parametrize("fits", [True, False])
def test_a_prompt_that_fits_no_model_fails_for_good(fits: bool) -> None:
    def overflows(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return 400, {"error": {"code": "context_length_exceeded"}}

    size = 10 if fits else 500_000
    found = run_requests(overflows, messages=[{"role": "user", "content": "word " * size}])
    assert found.reply["status"] == "failed"
    assert found.reply["error"]["retryable"] is False
    assert bool(found.vendors.requests) is fits


def test_an_answer_that_ended_in_an_error_is_no_answer() -> None:
    def broken(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path != "/1":
            return successful(path, body)
        message = {"role": "assistant", "content": "To prove"}
        choice = {"finish_reason": "error", "error": {"code": 502}, "message": message}
        return 200, good("openai", choices=[choice])

    found = run_requests(broken)
    assert found.reply["model"] == "second"
    assert {event["status"] for event in found.costs[:-1]} == {"server"}
    # What the failed answer used is booked.
    assert found.costs[0]["cost_nano"] == 9 * 1_000 + 3 * 10_000


def test_a_flagged_prompt_with_status_403_is_not_a_key_error() -> None:
    def flags(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return 403, {
            "error": {"message": "Your input was flagged", "metadata": {"reasons": ["violence"]}}
        }

    found = run_requests(flags)
    assert found.reply["error"]["code"] == "content_filtered"
    assert found.alerts == []
