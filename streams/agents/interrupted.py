"""Calls that a crash cut off: booked by whoever takes their hop over, cost unknown.

Before a call is booked as interrupted the cost topic is asked, so that a call whose event made it
out before the crash is never booked twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.events import CostEvent
from schemas.identity import split_identity
from schemas.records import ANSWER
from streams.agents.bookings import cost_record
from streams.agents.dependencies import Dependencies
from streams.flow.journal import BegunCall

INTERRUPTED = "interrupted"


async def book_interrupted(
    partition: int, calls: Sequence[BegunCall], deps: Dependencies
) -> list[BegunCall]:
    """Book those of the calls that are not booked yet; returns when the broker has them."""
    unbooked = await deps.journals.unbooked(partition, calls)
    under_way = [
        await deps.publisher.publish(cost_record(await _event(call, deps), partition, deps))
        for call in unbooked
    ]
    for call, record in zip(unbooked, under_way, strict=True):
        await record
        deps.journals.booked(partition, call.identity, call.call_id)
    return unbooked


async def _event(call: BegunCall, deps: Dependencies) -> CostEvent:
    tenant, request_id = split_identity(call.identity)
    started = await deps.codecs.decode(deps.codecs.outcome, call.value)
    return CostEvent(
        tenant=tenant,
        request_id=request_id,
        hop=call.hop,
        visit=call.visit,
        call_id=call.call_id,
        purpose=started["purpose"] or ANSWER,
        at=deps.clock.now(),
        started_at=started["at"],
        tier=started["tier"],
        provider=started["provider"] or "unknown",
        request_model=started["request_model"] or "unknown",
        instance=started["instance"],
        status=INTERRUPTED,
        worker=deps.me.worker,
        incarnation=deps.me.incarnation,
        user_id=started["user_id"],
        user_tier=started["user_tier"],
        feature=started["feature"],
        expected_nano=started["expected_nano"],
    )
