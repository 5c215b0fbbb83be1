"""Accounting: one cost event for every provider call that ended, for any purpose.

Law 4: money is counted per real call. A call that never left this process, or that the provider
refused, costs nothing. A call that was interrupted or timed out has an unknown cost, which is NULL,
never zero. So has a call whose usage has a part without a price.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.alert_port import Alerts
from core.codecs import Codecs
from core.kafka.producer import Outgoing
from schemas.alert_names import AlertName
from schemas.encoding.avro_mapping import as_record
from schemas.events import CostEvent
from schemas.journal_headers import CALL_ID, CUT_OFF, INCARNATION, Headers
from schemas.records import Attempt
from schemas.topics import COST
from streams.agents.context.call_spec import CallSpec
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.ports import Pricing
from streams.providers.port import Completion, ProviderError, Usage
from streams.providers.pricing.booked_usage import with_usage
from streams.providers.pricing.unbilled import cost_without_usage
from streams.routing.selection.candidates import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A finished call: its start (broker time) and latency, ms, and its completion or error."""

    call_id: str
    started_at: int
    latency_ms: float
    completion: Completion | None
    error: ProviderError | None


async def book_call(
    hop: HopState, candidate: Candidate, spec: CallSpec, ended: EndedCall, deps: Dependencies
) -> Attempt:
    """Publish a call's cost event; the record joins the hop's pending records."""
    completion, error = ended.completion, ended.error
    usage = completion.usage if completion else (error.usage if error else None)
    cost_nano, price_source = await _price(
        candidate, usage, error, deps.observers.alerts, deps.calls.pricing
    )
    status = "ok" if error is None else error.error_class.value
    now = deps.kafka.clock.now()
    message = hop.message
    booked = CostEvent(
        tenant=message.tenant,
        request_id=message.request_id,
        hop=message.hop,
        visit=message.visit,
        call_id=ended.call_id,
        purpose=spec.purpose,
        propensity=spec.propensity,
        at=now,
        started_at=ended.started_at,
        tier=candidate.model.tier,
        provider=candidate.model.provider,
        request_model=candidate.model.name,
        response_model=completion.response_model if completion else None,
        instance=candidate.instance.name,
        status=status,
        http_status=error.status if error else 200,
        finish_reason=completion.finish_reason if completion else None,
        cost_nano=cost_nano,
        price_source=price_source,
        latency_ms=ended.latency_ms,
        worker=deps.kafka.me.worker,
        incarnation=deps.kafka.me.incarnation,
        late=not hop.may_publish(now),
        user_id=message.user_id,
        user_tier=message.user_tier,
        feature=message.feature,
        registry_version=hop.snapshot.version,
        experiment=message.decision.experiment,
        arm=message.decision.arm,
        expected_nano=spec.expected_nano,
    )
    event = with_usage(booked, usage)
    deps.calls.budgets.settle(ended.call_id, cost_nano)
    deps.observers.metrics.called(
        model=candidate.model.name,
        instance=candidate.instance.name,
        purpose=spec.purpose,
        status=status,
        latency_ms=ended.latency_ms,
        cost_nano=cost_nano,
    )
    hop.pending.append(
        await deps.kafka.publisher.publish(cost_record(event, hop.partition, deps.kafka.codecs))
    )
    deps.calls.open_calls.booked(ended.call_id)
    return Attempt(
        call_id=ended.call_id,
        hop=message.hop,
        tier=candidate.model.tier,
        model=candidate.model.name,
        provider=candidate.model.provider,
        instance=candidate.instance.name,
        status=status,
        purpose=spec.purpose,
        cost_nano=cost_nano,
        latency_ms=ended.latency_ms,
    )


def cost_record(
    event: CostEvent, partition: int | None, codecs: Codecs, *, cut_off: bool = False
) -> Outgoing:
    """Return a cost event as a record on the partition of the request's journal, with its call id
    in the headers. `cut_off` marks a call that this worker leaves open in an orderly shutdown.
    """
    headers: Headers = [
        (CALL_ID, event.call_id.encode()),
        (INCARNATION, event.incarnation.encode()),
    ]
    if cut_off:
        headers.append((CUT_OFF, b""))
    return Outgoing(
        topic=COST,
        key=event.key,
        value=codecs.cost.encode(as_record(event)),
        headers=headers,
        partition=partition,
    )


async def _price(
    candidate: Candidate,
    usage: Usage | None,
    error: ProviderError | None,
    alerts: Alerts,
    pricing: Pricing,
) -> tuple[int | None, str | None]:
    if usage is None:
        return cost_without_usage(error)
    model = candidate.model
    cost_nano, source = pricing.cost_of(model, usage)
    unpriced = pricing.unpriced(model, usage) if cost_nano is None else ()
    if unpriced:
        await alerts.fire(
            AlertName.UNKNOWN_USAGE,
            f"{model.name}/{unpriced[0]}",
            f"{model.name} reports usage without a price: {', '.join(unpriced)}; the cost of its "
            "calls is NULL. Set the price in models.<name>.price of the registry, if it has a "
            "field for this usage. If the price is set, the token counts contradict each other: "
            "check what the model's server reports.",
        )
    elif cost_nano is None and source is not None:
        await alerts.fire(
            AlertName.UNKNOWN_USAGE,
            f"{model.name}/usage",
            f"token counts of {model.name} are missing or contradict each other; the cost of its "
            "calls is NULL. Enable usage reports on its server.",
        )
    elif source is None:
        await alerts.fire(
            AlertName.UNKNOWN_PRICE,
            candidate.model.name,
            f"{candidate.model.name} has no price; the cost of its calls is NULL. "
            "Set models.<name>.price in the registry.",
        )
    return cost_nano, source
