"""One call of a provider from request to cost event, for the workers and for executed replays."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import SluiceError
from schemas.events import CostEvent
from schemas.gateway.native_body import NativeBody, without_native
from streams.providers.port import (
    ChatCall,
    Completion,
    DeltaSink,
    Endpoint,
    ErrorClass,
    Provider,
    ProviderError,
    Timeouts,
    Usage,
)
from streams.providers.pricing.booked_usage import cost_without_usage, event_fields
from streams.providers.refusals.adapter_faults import adapter_fault
from streams.routing.parameters.extra_body import with_listed_extra
from streams.routing.policy import CallTimeouts
from streams.routing.selection.candidates import Candidate
from streams.routing.snapshot import Model

log = logging.getLogger(__name__)

Price = tuple[int | None, str | None]
"""Nano-USD, and the source of the price; `None` if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A finished call: its start (broker time) and latency, ms, its completion or error, and the
    nano-USD that it was expected to cost.
    """

    call_id: str
    started_at: int
    latency_ms: float
    completion: Completion | None
    error: ProviderError | None
    expected_nano: int | None = None

    @property
    def status(self) -> str:
        """Return `ok` or the class of the error."""
        return "ok" if self.error is None else self.error.error_class.value

    @property
    def usage(self) -> Usage | None:
        """Return the usage that the provider reported; `None` if it reported none."""
        source = self.completion or self.error
        return None if source is None else source.usage

    def price(self, cost_of: Callable[[Usage], Price]) -> Price:
        """Return the cost by the reported usage; without usage, what is known by the error."""
        usage = self.usage
        return cost_without_usage(self.error) if usage is None else cost_of(usage)

    def cost_event(self, candidate: Candidate, price: Price, **more: Any) -> CostEvent:
        """Return the call's cost event; `more` are the fields of its request and worker."""
        completion, error, model = self.completion, self.error, candidate.model
        return CostEvent(
            call_id=self.call_id,
            started_at=self.started_at,
            tier=model.tier,
            provider=model.provider,
            request_model=model.name,
            response_model=completion.response_model if completion else None,
            instance=candidate.instance.name,
            status=self.status,
            http_status=error.status if error else 200,
            finish_reason=completion.finish_reason if completion else None,
            cost_nano=price[0],
            price_source=price[1],
            latency_ms=self.latency_ms,
            expected_nano=self.expected_nano,
            **event_fields(self.usage),
            **more,
        )


def chat_call(
    call_id: str,
    model: Model,
    body: Mapping[str, Any],
    limits: CallTimeouts,
    *,
    total_ms: float,
    max_output_tokens: int,
    refused: frozenset[str] = frozenset(),
    on_delta: DeltaSink | None = None,
) -> ChatCall:
    """Return a call of a model. `refused` are parameters that it is known to refuse, besides those
    of its registry entry. With `on_delta` the answer is streamed.
    """
    return ChatCall(
        call_id=call_id,
        model=model.provider_model,
        body=without_native(with_listed_extra(body, model)),
        timeouts=Timeouts(
            connect=limits.connect_ms / 1000,
            read=limits.read_ms / 1000,
            total=total_ms / 1000,
        ),
        max_output_tokens=max_output_tokens,
        unsupported=model.unsupported | refused,
        on_delta=on_delta,
        native=NativeBody.of(body),
    )


async def complete(
    call: ChatCall, candidate: Candidate, providers: Mapping[str, Provider]
) -> tuple[Completion | None, ProviderError | None]:
    """Make a call; return its completion, or its error whatever the adapter raised."""
    name, instance = candidate.model.provider, candidate.instance
    if name not in providers:
        missing = f"provider {name} is not installed; there are {', '.join(sorted(providers))}"
        return None, ProviderError(ErrorClass.AUTH, missing, sent=False)
    endpoint = Endpoint(
        name=instance.name,
        base_url=instance.base_url,
        api_key_env=instance.api_key_env,
        api_version=instance.api_version,
    )
    try:
        return await providers[name].complete(call, endpoint), None
    except ProviderError as failure:
        return None, failure
    except SluiceError as failure:
        return None, ProviderError(ErrorClass.AUTH, str(failure), sent=False)
    except Exception as failure:
        log.exception("provider %s raised an unexpected error", name)
        return None, adapter_fault(failure, "making a call", sent=True)
