"""From verdicts to alerts: pending, firing, resolved, with patience in both directions. Pure.

Whether an alert stands is not decided here but read from the log (`alerting.book`), so that a
restart, or another evaluator, neither fires nor resolves anything twice. All that is kept here is
since when a breach, or its end, has lasted.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.routing.alert_rules import AlertRule, RuleState


class AlertTransition(StrEnum):
    """What becomes of an alert; the values are the states of its record."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTimer:
    """Since when (ms) a breach lasts that has not fired yet, or, where one stands, its end."""

    firing: bool = False
    since: int | None = None


def step(
    before: AlertTimer, verdict: RuleState, rule: AlertRule, now: int, *, firing: bool
) -> tuple[AlertTimer, AlertTransition | None]:
    """What a verdict at `now` (ms) makes of an alert that stands (`firing`) or not.

    The change is asked for again until the log says that it happened. Where nothing is seen any
    more, an alert stands for a whole window longer before it counts as over: silence is no proof.
    """
    since = before.since if before.firing == firing else None
    if firing:
        over = verdict in {RuleState.CLEAR, RuleState.UNKNOWN}
        since = (now if since is None else since) if over else None
        silent = verdict is RuleState.UNKNOWN
        wait = max(rule.resolve_ms, rule.window_ms) if silent else rule.resolve_ms
        done = since is not None and now - since >= wait
        return AlertTimer(firing=True, since=since), AlertTransition.RESOLVED if done else None
    if verdict is not RuleState.BREACHED:
        return AlertTimer(), None
    since = now if since is None else since
    fires = now - since >= rule.pending_ms
    return AlertTimer(since=since), AlertTransition.FIRED if fires else None
