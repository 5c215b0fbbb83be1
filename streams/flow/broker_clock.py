"""A worker asks the broker what time it is before it opens anything.

Until a record of its own was stamped, a worker has nothing but its machine's clock. If that is an
hour ahead, the first requests that it reads seem to be past their deadlines, and calls of others
past their leases. Kafka tells the time only to who writes: so one record is written that says
nothing, a tombstone of the budgets' ledger for a meter that there is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Protocol

from core.clock import BrokerClock
from core.kafka.producer import Delivered, Outgoing
from schemas.budget_entries import entry_key
from schemas.errors import DeliveryError
from schemas.topics import BUDGETS

log = logging.getLogger(__name__)

PATIENCE_S = 5.0
"""A worker starts without the broker's time rather than not at all."""

_PAUSE_S = 0.2
_ASKED = Outgoing(topic=BUDGETS, key=entry_key("", "first stamp", None, None, 0), value=None)


class Broker(Protocol):
    """What is needed of a publisher."""

    async def topics(self) -> frozenset[str]:
        """Every topic that there is."""
        ...

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.publish`."""
        ...


async def sync_broker_clock(
    broker: Broker, clock: BrokerClock, patience_s: float = PATIENCE_S
) -> None:
    """Set the clock right; returns when it is, or says so where it could not be done in time."""
    try:
        async with asyncio.timeout(patience_s):
            if BUDGETS in await broker.topics():
                await _until_stamped(broker, clock)
                return
    except (TimeoutError, DeliveryError) as error:
        log.warning("the broker's time is not known yet: %s", error or "it took too long")


async def _until_stamped(broker: Broker, clock: BrokerClock) -> None:
    """The first record waits for a connection, so that its stamp may say too little."""
    while not clock.is_set:
        await (await broker.publish(_ASKED))
        if not clock.is_set:
            await asyncio.sleep(_PAUSE_S)
