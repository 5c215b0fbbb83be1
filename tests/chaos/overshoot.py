"""By how much a sum was exceeded, from the provider's ledger: what was in flight, what followed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overshoot:
    """Calls and USD in flight when the sum was spent, and of those that began after that, the last
    of them `latest_ms` later.
    """

    in_flight: int = 0
    in_flight_usd: float = 0.0
    begun_after: int = 0
    begun_after_usd: float = 0.0
    latest_ms: int = 0


def overshoot(ledger: Path, limit_nano: int) -> Overshoot:
    """The ledger's spend beyond a limit; `None` if it was not reached."""
    begun: dict[str, int] = {}
    ended: list[tuple[int, str, int]] = []
    for line in ledger.read_text().splitlines():
        entry = json.loads(line)
        if entry.get("event") == "arrived":
            begun[entry["call_id"]] = entry["at"]
        elif entry.get("event") == "ended":
            ended.append((entry["at"], entry["call_id"], entry.get("cost_nano") or 0))
    spent, reached = 0, None
    for at, _, cost in sorted(ended):
        spent += cost
        if spent >= limit_nano:
            reached = at
            break
    if reached is None:
        return Overshoot()
    costs = {call: cost for _, call, cost in ended}
    flying = [call for at, call, _ in ended if begun[call] <= reached < at]
    after = [call for call, at in begun.items() if at > reached]
    return Overshoot(
        in_flight=len(flying),
        in_flight_usd=sum(costs[call] for call in flying) / NANO,
        begun_after=len(after),
        begun_after_usd=sum(costs.get(call, 0) for call in after) / NANO,
        latest_ms=max((begun[call] - reached for call in after), default=0),
    )
