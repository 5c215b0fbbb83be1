"""From verdicts to alerts: pending, firing, resolved, with patience in both directions. Pure.

Whether an alert stands is not decided here but read from the log (`alerting.book`), so that a
restart, or another evaluator, neither fires nor resolves anything twice. All that is kept here is
since when a breach, or its end, has lasted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.routing.alert_rules import AlertRule, Verdict


class Change(StrEnum):
    """What becomes of an alert; the values are the states of its record."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Since when (ms) a breach lasts that has not fired yet, or, where one stands, its end."""

    firing: bool = False
    since: int | None = None


def step(
    before: Patience, verdict: Verdict, rule: AlertRule, now: int, *, firing: bool
) -> tuple[Patience, Change | None]:
    """What a verdict at `now` (ms) makes of an alert that stands (`firing`) or not.

    The change is asked for again until the log says that it happened. Where nothing is seen any
    more, an alert stands for a whole window longer before it counts as over: silence is no proof.
    """
    since = before.since if before.firing == firing else None
    if firing:
        over = verdict in {Verdict.CLEAR, Verdict.UNKNOWN}
        since = (now if since is None else since) if over else None
        silent = verdict is Verdict.UNKNOWN
        wait = max(rule.resolve_ms, rule.window_ms) if silent else rule.resolve_ms
        done = since is not None and now - since >= wait
        return Patience(firing=True, since=since), Change.RESOLVED if done else None
    if verdict is not Verdict.BREACHED:
        return Patience(), None
    since = now if since is None else since
    fires = now - since >= rule.pending_ms
    return Patience(since=since), Change.FIRED if fires else None
