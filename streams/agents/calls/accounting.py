"""Accounting: one cost event for every provider call that ended, for any purpose.

Law 4: money is counted per real call. A call that never left this process, or that the provider
refused, costs nothing. A call that was interrupted or timed out has an unknown cost, which is NULL,
never zero. So has a call whose usage has a part without a price.
"""

from __future__ import annotations

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
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.ports import Pricing
from streams.providers.exchange import EndedCall, Price
from streams.routing.selection.candidates import Candidate
from streams.routing.snapshot import Model


async def book_call(
    progress: HopProgress,
    candidate: Candidate,
    spec: CallSpec,
    ended: EndedCall,
    deps: Dependencies,
) -> Attempt:
    """Publish a call's cost event, and record the call in the hop's progress."""
    hop = progress.hop
    price = await _price(candidate.model, ended, deps.observers.alerts, deps.calls.pricing)
    now = deps.kafka.clock.now()
    message, model, me = hop.message, candidate.model, deps.kafka.me
    event = ended.cost_event(
        candidate,
        price,
        tenant=message.tenant,
        request_id=message.request_id,
        hop=message.hop,
        visit=message.visit,
        purpose=spec.purpose,
        propensity=spec.propensity,
        at=now,
        worker=me.worker,
        incarnation=me.incarnation,
        late=not progress.may_publish(now),
        user_id=message.user_id,
        user_tier=message.user_tier,
        feature=message.feature,
        registry_version=hop.snapshot.version,
        experiment=message.decision.experiment,
        arm=message.decision.arm,
    )
    deps.calls.budgets.settle(ended.call_id, event.cost_nano)
    deps.observers.metrics.called(
        model=model.name,
        instance=candidate.instance.name,
        purpose=spec.purpose,
        status=event.status,
        latency_ms=ended.latency_ms,
        cost_nano=event.cost_nano,
    )
    await progress.publish(cost_record(event, hop.partition, deps.kafka.codecs))
    attempt = Attempt(
        call_id=ended.call_id,
        hop=message.hop,
        tier=model.tier,
        model=model.name,
        provider=model.provider,
        instance=candidate.instance.name,
        status=event.status,
        purpose=spec.purpose,
        cost_nano=event.cost_nano,
        latency_ms=ended.latency_ms,
    )
    progress.call_ended(attempt)
    deps.calls.open_calls.booked(ended.call_id)
    return attempt


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


async def _price(model: Model, ended: EndedCall, alerts: Alerts, pricing: Pricing) -> Price:
    """Return a call's price; raise an alert if its usage has none."""
    cost_nano, source = ended.price(lambda usage: pricing.cost_of(model, usage))
    usage = ended.usage
    if usage is None:
        return cost_nano, source
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
            model.name,
            f"{model.name} has no price; the cost of its calls is NULL. "
            "Set models.<name>.price in the registry.",
        )
    return cost_nano, source
