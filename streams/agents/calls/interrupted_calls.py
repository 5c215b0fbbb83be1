"""Interrupted calls, with unknown cost. They are recorded by the worker that takes over the hop, or
by their own worker if the handling of the message fails or the worker shuts down in order.

The cost topic is read before a call is recorded as interrupted, so a call whose event was published
before the crash is never recorded twice.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from core.codecs import Codecs
from schemas.errors import UndecodableError
from schemas.events import CostEvent
from schemas.identity import split_identity
from schemas.records import ANSWER, Attempt
from streams.agents.calls.accounting import cost_record
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.ports import CallPorts, KafkaPorts
from streams.journal.admission import BegunCall

log = logging.getLogger(__name__)

INTERRUPTED = "interrupted"

_NOTHING_KNOWN: Mapping[str, Any] = dict.fromkeys(
    (
        *("purpose", "tier", "provider", "request_model", "instance"),
        *("user_id", "user_tier", "feature", "expected_nano"),
    )
)


async def book_interrupted(
    partition: int, calls: Sequence[BegunCall], kafka: KafkaPorts
) -> list[BegunCall]:
    """Record the calls that have no cost event yet; return when the broker has them."""
    unbooked = await kafka.journals.unbooked(partition, calls)
    under_way = [
        await kafka.publisher.publish(
            cost_record(await _event(call, kafka), partition, kafka.codecs)
        )
        for call in unbooked
    ]
    for call, record in zip(unbooked, under_way, strict=True):
        await record
        kafka.journals.booked(partition, call.identity, call.call_id)
    return unbooked


async def book_failed_call(
    progress: HopProgress, call_id: str, calls: CallPorts, kafka: KafkaPorts
) -> None:
    """Record a call whose handling failed before its cost event. Do nothing if the call is recorded
    already, or was never started.
    """
    open_call = calls.open_calls.booked(call_id)
    if open_call is None:
        return
    event = await _event(open_call.call, kafka)
    calls.budgets.settle(call_id, None)
    await progress.publish(cost_record(event, open_call.partition, kafka.codecs))
    progress.call_ended(
        Attempt(
            call_id=call_id,
            hop=event.hop,
            tier=event.tier or progress.hop.message.tier,
            model=event.request_model,
            provider=event.provider,
            instance=event.instance or "unknown",
            status=INTERRUPTED,
            purpose=event.purpose,
            cost_nano=None,
            latency_ms=None,
        )
    )


async def book_open_calls(calls: CallPorts, kafka: KafkaPorts) -> None:
    """Record every open call in an orderly shutdown, so that the next owner does not count this
    worker among those that its hops ended.
    """
    under_way = [
        await kafka.publisher.publish(
            cost_record(await _event(each.call, kafka), each.partition, kafka.codecs, cut_off=True)
        )
        for each in calls.open_calls.all()
    ]
    for record in under_way:
        await record


async def _started(call: BegunCall, codecs: Codecs) -> Mapping[str, Any]:
    """Decode the started record; return the headers only if it is unreadable."""
    try:
        return await codecs.decode(codecs.outcome, call.value)
    except UndecodableError as error:
        log.warning(
            "a started record is unreadable, recording its call from the headers only: %s", error
        )
        return {**_NOTHING_KNOWN, "at": call.started_at}


async def _event(call: BegunCall, kafka: KafkaPorts) -> CostEvent:
    tenant, request_id = split_identity(call.identity)
    started = await _started(call, kafka.codecs)
    return CostEvent(
        tenant=tenant,
        request_id=request_id,
        hop=call.hop,
        visit=call.visit,
        call_id=call.call_id,
        purpose=started["purpose"] or ANSWER,
        at=kafka.clock.now(),
        started_at=started["at"],
        tier=started["tier"],
        provider=started["provider"] or "unknown",
        request_model=started["request_model"] or "unknown",
        instance=started["instance"],
        status=INTERRUPTED,
        worker=kafka.me.worker,
        incarnation=kafka.me.incarnation,
        user_id=started["user_id"],
        user_tier=started["user_tier"],
        feature=started["feature"],
        expected_nano=started["expected_nano"],
    )
