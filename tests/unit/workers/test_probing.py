"""A probe calls every instance once, books each call, and rejects models without any answer."""

from __future__ import annotations

import asyncio

from infra.workers.probing import PURPOSE, Probed, findings_of, probe
from infra.workers.readiness import REFUSE, WARN
from schemas.events import CostEvent
from streams.providers.in_memory_provider import ScriptedProvider, text_answer
from streams.providers.port import ChatCall, Completion, Endpoint, ErrorClass, ProviderError
from streams.providers.pricing.booked_usage import UNBILLED
from streams.providers.pricing.price_list import PriceBook
from tests.unit.routing.world import model, snapshot


def _answer(call: ChatCall, endpoint: Endpoint) -> Completion | ProviderError:
    if endpoint.name == "down":
        return ProviderError(ErrorClass.AUTH, "the key was refused", status=401)
    return text_answer("OK")


def _probed(*models: str) -> tuple[list[Probed], list[CostEvent], ScriptedProvider]:
    booked: list[CostEvent] = []

    async def book(event: CostEvent) -> None:
        booked.append(event)

    probed = snapshot(
        model("gpt-4o-mini", "simple", ("up", "down")),
        model("gpt-4o", "complex", ("down",)),
        tiers=("simple", "complex"),
    )
    provider = ScriptedProvider(_answer)
    found = asyncio.run(probe(probed, {"openai": provider}, PriceBook(), book))
    return found, booked, provider


def test_every_instance_is_called_once_and_each_call_is_recorded() -> None:
    found, booked, provider = _probed()

    assert len(found) == len(booked) == len(provider.calls) == 3
    assert {each.purpose for each in booked} == {PURPOSE}
    assert len({each.call_id for each in booked}) == 3
    good = next(each for each in booked if each.status == "ok")
    assert good.cost_nano
    refused = next(each for each in booked if each.status == "auth")
    assert (refused.cost_nano, refused.http_status) == (0, 401)


def test_a_model_without_any_answer_is_refused_and_one_with_some_is_warned_of() -> None:
    found, _, _ = _probed()

    assert {(each.path, each.severity) for each in findings_of(found)} == {
        ("models.gpt-4o-mini.instances.1 (down)", WARN),
        ("models.gpt-4o.instances.0 (down)", REFUSE),
    }
    assert all("the key was refused" in each.message for each in findings_of(found))


def test_a_provider_that_is_not_installed_is_not_called() -> None:
    async def book(_: CostEvent) -> None:
        raise AssertionError("nothing was asked")

    assert asyncio.run(probe(snapshot(), {}, PriceBook(), book)) == []


def test_a_call_that_was_not_sent_cost_nothing_and_one_that_was_cut_off_is_unknown() -> None:
    assert _cost_of(ProviderError(ErrorClass.AUTH, "no key is set", sent=False)) == (0, UNBILLED)
    assert _cost_of(ProviderError(ErrorClass.TIMEOUT, "slow")) == (None, None)


def _cost_of(error: ProviderError) -> tuple[int | None, str | None]:
    booked: list[CostEvent] = []

    async def book(event: CostEvent) -> None:
        booked.append(event)

    probed = snapshot(model("gpt-4o-mini", "simple", ("up",)), tiers=("simple",))
    provider = ScriptedProvider(lambda call, endpoint: error)
    asyncio.run(probe(probed, {"openai": provider}, PriceBook(), book))
    (event,) = booked
    return event.cost_nano, event.price_source
