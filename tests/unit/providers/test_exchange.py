"""One call of a provider always ends with a completion or an error, and a price."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.errors import ConfigurationError
from streams.providers.exchange import EndedCall, Price, chat_call, complete
from streams.providers.in_memory_provider import ScriptedProvider, text_answer
from streams.providers.port import Completion, ErrorClass, Provider, ProviderError, Usage
from streams.providers.pricing.booked_usage import UNBILLED
from streams.registry.version import parse_registry
from streams.routing.policy import CallTimeouts
from streams.routing.selection.candidates import Candidate
from tests.unit.agents.world import REGISTRY

MODEL = parse_registry(REGISTRY).snapshot.models["gpt-4o"]
CANDIDATE = Candidate(model=MODEL, instance=MODEL.instances[0])
WHO: dict[str, Any] = {
    "tenant": "t", "request_id": "r", "hop": 0, "visit": 0, "purpose": "answer", "at": 9,
    "worker": "w", "incarnation": "i",
}  # fmt: skip


def ended(answer: Any, *, installed: bool = True) -> EndedCall:
    def script(call: Any, endpoint: Any) -> Completion | ProviderError:
        if isinstance(answer, Exception) and not isinstance(answer, ProviderError):
            raise answer
        return answer

    providers: dict[str, Provider] = {"scripted": ScriptedProvider(script)} if installed else {}
    call = chat_call(
        "c1", MODEL, {"messages": []}, CallTimeouts(), total_ms=500, max_output_tokens=7
    )
    completion, error = asyncio.run(complete(call, CANDIDATE, providers))
    return EndedCall(call_id="c1", started_at=1, latency_ms=2.0, completion=completion, error=error)


def by_tokens(usage: Usage) -> Price:
    return (usage.input_tokens or 0) + 10 * (usage.output_tokens or 0), "test"


@pytest.mark.parametrize(
    ("raised", "status", "price"),
    [
        (ConfigurationError("no key"), "auth", (0, UNBILLED)),
        (ValueError("a defect"), "adapter_fault", (None, None)),
        (ProviderError(ErrorClass.TIMEOUT, "slow"), "timeout", (None, None)),
        (ProviderError(ErrorClass.SERVER, "no", status=500), "server", (0, UNBILLED)),
    ],
)
def test_whatever_an_adapter_raises_is_an_error_of_the_call(
    raised: Exception, status: str, price: Price
) -> None:
    call = ended(raised)
    assert (call.completion, call.status, call.price(by_tokens)) == (None, status, price)


def test_a_provider_that_is_not_installed_costs_nothing() -> None:
    call = ended(text_answer("Paris."), installed=False)
    assert (call.status, call.price(by_tokens)) == ("auth", (0, UNBILLED))
    assert "scripted is not installed" in str(call.error)


def test_a_failed_call_is_priced_by_the_usage_that_it_reported() -> None:
    error = ProviderError(
        ErrorClass.CONTENT_FILTER, "no", usage=Usage(input_tokens=3, output_tokens=1)
    )
    assert ended(error).price(by_tokens) == (13, "test")


def test_a_cost_event_has_status_usage_and_cost_of_the_call() -> None:
    call = ended(text_answer("Paris.", input_tokens=4, output_tokens=2))
    event = call.cost_event(CANDIDATE, call.price(by_tokens), **WHO)

    assert (event.status, event.http_status, event.finish_reason) == ("ok", 200, "stop")
    assert (event.input_tokens, event.output_tokens) == (4, 2)
    assert (event.cost_nano, event.price_source, event.latency_ms) == (24, "test", 2.0)
    assert (event.request_model, event.instance, event.tier) == ("gpt-4o", "one", "moderate")
