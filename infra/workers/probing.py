"""One small call to every instance of a registry version, from this machine; each is recorded."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from infra.workers.readiness import REFUSE, WARN, ReadinessFinding
from schemas.events import CostEvent
from schemas.identity import DEFAULT_TENANT
from streams.providers.port import ChatCall, Completion, Endpoint, Provider, ProviderError, Timeouts
from streams.providers.pricing.booked_usage import with_usage
from streams.providers.pricing.price_list import PriceBook
from streams.providers.pricing.unbilled import cost_without_usage
from streams.routing.snapshot import Instance, Model, RegistrySnapshot

PURPOSE = "probe"
_QUESTION = "Reply with the word OK."
_MOST_TOKENS = 64
_TIMEOUTS = Timeouts(connect=5.0, read=30.0, total=30.0)

Book = Callable[[CostEvent], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Result of the call to one instance; `error` is empty if it answered."""

    model: str
    instance: str
    place: int
    took_ms: float
    cost_nano: int | None
    error: str = ""


async def probe(
    snapshot: RegistrySnapshot, providers: Mapping[str, Provider], prices: PriceBook, book: Book
) -> list[Probed]:
    """Call every instance of every model once; a provider that is not installed is skipped."""
    run = uuid.uuid4().hex[:12]
    return await asyncio.gather(
        *(
            _ask(snapshot, model, place, providers[model.provider], prices, book, run)
            for model in snapshot.models.values()
            if model.provider in providers
            for place in range(len(model.instances))
        )
    )


def findings_of(probed: list[Probed]) -> list[ReadinessFinding]:
    """Return the failed calls; a model without an answering instance is rejected."""
    answered = {each.model for each in probed if not each.error}
    return [
        ReadinessFinding(
            severity=WARN if each.model in answered else REFUSE,
            path=f"models.{each.model}.instances.{each.place} ({each.instance})",
            message=f"the probe failed: {each.error}",
        )
        for each in probed
        if each.error
    ]


async def _ask(  # noqa: PLR0917 - what a probe needs, all of it
    snapshot: RegistrySnapshot,
    model: Model,
    place: int,
    provider: Provider,
    prices: PriceBook,
    book: Book,
    run: str,
) -> Probed:
    instance = model.instances[place]
    began, before = int(time.time() * 1000), time.monotonic()
    call_id = uuid.uuid4().hex
    completion: Completion | None = None
    error: ProviderError | None = None
    try:
        completion = await provider.complete(_call(model, call_id), _endpoint(instance))
    except ProviderError as raised:
        error = raised
    took_ms = (time.monotonic() - before) * 1000
    usage = completion.usage if completion else (error.usage if error else None)
    if usage is None:
        cost, source = cost_without_usage(error)
    else:
        cost, source = prices.cost_of(model, usage)
    event = CostEvent(
        tenant=DEFAULT_TENANT, request_id=f"probe-{run}", hop=0, visit=0, call_id=call_id,
        purpose=PURPOSE, at=int(time.time() * 1000), started_at=began, tier=model.tier,
        provider=model.provider, request_model=model.name,
        response_model=completion.response_model if completion else None,
        instance=instance.name, status="ok" if error is None else error.error_class.value,
        http_status=error.status if error else 200,
        finish_reason=completion.finish_reason if completion else None,
        cost_nano=cost, price_source=source, latency_ms=took_ms, worker="probe",
        incarnation="probe", registry_version=snapshot.version,
    )  # fmt: skip
    await book(with_usage(event, usage))
    return Probed(
        model=model.name,
        instance=instance.name,
        place=place,
        took_ms=took_ms,
        cost_nano=cost,
        error="" if error is None else f"{error} ({error.error_class})",
    )


def _call(model: Model, call_id: str) -> ChatCall:
    return ChatCall(
        call_id=call_id,
        model=model.provider_model,
        body={"messages": [{"role": "user", "content": _QUESTION}]},
        timeouts=_TIMEOUTS,
        max_output_tokens=min(model.max_output, _MOST_TOKENS),
    )


def _endpoint(instance: Instance) -> Endpoint:
    return Endpoint(
        name=instance.name,
        base_url=instance.base_url,
        api_key_env=instance.api_key_env,
        api_version=instance.api_version,
    )
