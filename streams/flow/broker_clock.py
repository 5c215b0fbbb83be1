"""Synchronization with the broker's clock at startup.

Kafka returns LogAppendTime only on produce. Until then a worker has only its machine's clock. If
that is an hour ahead, the first requests seem to be past their deadlines, and other workers' calls
past their leases. So at startup the worker writes one tombstone, for a meter of the budgets' ledger
that does not exist, and reads its timestamp.
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
"""Time after which a worker starts without the broker's time."""

_PAUSE_S = 0.2
_PROBE = Outgoing(topic=BUDGETS, key=entry_key("", "first stamp", None, None, 0), value=None)


class Broker(Protocol):
    """The part of a publisher that is used here."""

    async def topics(self) -> frozenset[str]:
        """Return every topic."""
        ...

    async def publish(self, record: Outgoing) -> Awaitable[Delivered]:
        """See `Publisher.publish`."""
        ...


async def sync_broker_clock(
    broker: Broker, clock: BrokerClock, patience_s: float = PATIENCE_S
) -> None:
    """Synchronize the clock; log a warning if that fails in time."""
    try:
        async with asyncio.timeout(patience_s):
            if BUDGETS in await broker.topics():
                await _until_stamped(broker, clock)
                return
    except (TimeoutError, DeliveryError) as error:
        log.warning(
            "cannot read the broker's time yet, continuing without it: %s", str(error) or "timeout"
        )


async def _until_stamped(broker: Broker, clock: BrokerClock) -> None:
    """The first record waits for a connection, so its timestamp may be early."""
    while not clock.is_set:
        await (await broker.publish(_PROBE))
        if not clock.is_set:
            await asyncio.sleep(_PAUSE_S)
