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
from streams.providers.exchange import EndedCall, chat_call, complete
from streams.providers.port import Provider
from streams.providers.pricing.price_list import PriceBook
from streams.routing.policy import CallTimeouts
from streams.routing.selection.candidates import Candidate
from streams.routing.snapshot import Model, RegistrySnapshot

PURPOSE = "probe"
_QUESTION = "Reply with the word OK."
_MOST_TOKENS = 64
_TIMEOUTS = CallTimeouts(connect_ms=5_000.0, read_ms=30_000.0, total_ms=30_000.0)

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

    async def ask(model: Model, place: int) -> Probed:
        candidate = Candidate(model=model, instance=model.instances[place])
        ended = await _ended(candidate, providers)
        event = ended.cost_event(
            candidate,
            ended.price(lambda usage: prices.cost_of(model, usage)),
            tenant=DEFAULT_TENANT,
            request_id=f"probe-{run}",
            hop=0,
            visit=0,
            purpose=PURPOSE,
            at=int(time.time() * 1000),
            worker=PURPOSE,
            incarnation=PURPOSE,
            registry_version=snapshot.version,
        )
        await book(event)
        return Probed(
            model=model.name,
            instance=candidate.instance.name,
            place=place,
            took_ms=ended.latency_ms,
            cost_nano=event.cost_nano,
            error="" if ended.error is None else f"{ended.error} ({ended.error.error_class})",
        )

    return await asyncio.gather(
        *(
            ask(model, place)
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


async def _ended(candidate: Candidate, providers: Mapping[str, Provider]) -> EndedCall:
    model = candidate.model
    call = chat_call(
        uuid.uuid4().hex,
        model,
        {"messages": [{"role": "user", "content": _QUESTION}]},
        _TIMEOUTS,
        total_ms=_TIMEOUTS.total_ms,
        max_output_tokens=min(model.max_output, _MOST_TOKENS),
    )
    started_at, before = int(time.time() * 1000), time.monotonic()
    completion, error = await complete(call, candidate, providers)
    return EndedCall(
        call_id=call.call_id,
        started_at=started_at,
        latency_ms=(time.monotonic() - before) * 1000,
        completion=completion,
        error=error,
    )
