"""From verdicts to alerts: pending, firing, resolved, with a delay in both directions. Pure.

Whether an alert is active is read from the log (`streams.alerts.evaluation.active_alerts`), so a
restart, or another evaluator, neither fires nor resolves anything twice. Only the start of a
breach, or of its end, is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from streams.routing.alert_rules import AlertRule, RuleState


class AlertTransition(StrEnum):
    """Transition of an alert; the values are the states of its record."""

    FIRED = "fired"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTimer:
    """Start (ms) of a breach that has not fired yet or, for an active alert, of its end."""

    firing: bool = False
    since: int | None = None


def step(
    before: AlertTimer, verdict: RuleState, rule: AlertRule, now: int, *, firing: bool
) -> tuple[AlertTimer, AlertTransition | None]:
    """Return the transition of an alert, which is active (`firing`) or not, by a verdict at `now`
    (ms).

    The transition is returned until the log has it. Without data an alert keeps firing for one more
    window.
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
