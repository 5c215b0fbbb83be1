"""Rate limits of each tenant in this worker, so that no tenant starves the others.

It uses the same buckets as for instances. A worker's share of a tenant's limit equals its share of
the tiers' partitions, over which a tenant's requests are spread by their ids.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from streams.providers.reliability.instance_limits import InstanceLimits
from streams.routing.snapshot import Limits

REMEMBERED = 10_000
"""Maximum number of tenants with a state; the least recently used is evicted, and starts empty."""


class TenantLimits:
    """State of every recent tenant. Times are ms and are passed in."""

    def __init__(self, owned: Callable[[], float] = lambda: 1.0, most: int = REMEMBERED) -> None:
        self._owned = owned
        self._most = most
        self._known: OrderedDict[str, InstanceLimits] = OrderedDict()

    def why_not(self, tenant: str, limits: Limits | None, now: float) -> str | None:
        """Return why no request of this tenant may start now, or `None`."""
        if limits is None:
            return None
        found = self._of(tenant).why_not(limits, self._owned(), now)
        return None if found is None else f"tenant {tenant}: {found}"

    def begin(self, tenant: str, limits: Limits | None, *, counts: bool) -> None:
        """Record the start of work on a request; `counts` is whether it is its first hop."""
        if limits is None:
            return
        state = self._of(tenant)
        state.in_flight += 1
        if counts and limits.requests_per_minute is not None:
            state.requests.take(1.0)

    def end(self, tenant: str, limits: Limits | None) -> None:
        """Record the end of work on a request."""
        if limits is not None:
            state = self._of(tenant)
            state.in_flight = max(state.in_flight - 1, 0)

    def _of(self, tenant: str) -> InstanceLimits:
        found = self._known.get(tenant)
        if found is None:
            found = self._known[tenant] = InstanceLimits()
            self._forget_the_idle()
        self._known.move_to_end(tenant)
        return found

    def _forget_the_idle(self) -> None:
        while len(self._known) > self._most:
            idle = next((name for name, state in self._known.items() if not state.in_flight), None)
            if idle is None:
                return
            del self._known[idle]
