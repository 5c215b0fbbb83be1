"""An evaluator and a log of alerts in memory, and events in one line each."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, count

import yaml

from schemas.events import Alert
from streams.alerts.evaluation.active_alerts import AlertBook, Notice
from streams.alerts.evaluation.evaluator import Evaluator
from streams.alerts.log.event_facts import CallSeen, EndSeen, ScoreSeen, Seen
from streams.registry.document.alerts import AlertsPart, alerting_of
from streams.routing.alert_rules import Alerting

T0 = 1_700_000_000_000 - 1_700_000_000_000 % 3_600_000
TIERS = ("simple", "moderate", "complex")


def alerting(text: str) -> Alerting:
    """From the `alerts` part of a registry file."""
    return alerting_of(AlertsPart.model_validate(yaml.safe_load(text)))


def call(at: int, **more: object) -> CallSeen:
    fields = {
        "tenant": "default",
        "model": "m",
        "instance": "i",
        "purpose": "answer",
        "status": "ok",
        "cost_nano": 1_000_000_000,
        "price_source": "registry",
    }
    return CallSeen(at=at, **(fields | more))  # type: ignore[arg-type]


def end(at: int, status: str = "replied", tier: str | None = None, tenant: str = "t") -> EndSeen:
    return EndSeen(at=at, tenant=tenant, status=status, decided_tier=tier)


def score(at: int, value: float, tier: str | None = "simple") -> ScoreSeen:
    return ScoreSeen(at=at, tier=tier, signal="cascade_confidence", score=value)


def raised(rule: str, subject: str, at: int, *, state: str = "fired") -> Alert:
    return Alert(
        rule=rule,
        subject=subject,
        state=state,
        severity="warning",
        message="m",
        at=at,
        worker="w1",
    )


@dataclass
class World:
    """What outlives an evaluator: the log of alerts and the events."""

    alerting: Alerting
    log: list[Alert] = field(default_factory=list)
    events: list[Seen] = field(default_factory=list)
    published: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._places = count()
        self.start()

    def start(self) -> None:
        """A new evaluator, with only the log's state."""
        self.book = AlertBook()
        for number, alert in enumerate(self.log):
            self.book.take(alert, at=alert.at, offset=number)
        self.evaluator = Evaluator(self.alerting, TIERS, "w1")
        for seen in self.events:
            self.evaluator.take(seen)

    def see(self, *events: Seen) -> None:
        for seen in events:
            self.events.append(seen)
            self.evaluator.take(seen)

    def at(self, now: int) -> list[tuple[str, str, str]]:
        """Evaluate, publish, and return the changes: rule, subject, state."""
        published = []
        for alert in self.wanted(now):
            notice = self.publish(alert)
            if notice is not None:
                published.append((alert.rule, alert.subject, alert.state))
        return published

    def wanted(self, now: int) -> list[Alert]:
        """What the evaluator would put on the log."""
        return list(chain(*self.evaluator.evaluate(now, self.book)))

    def publish(self, alert: Alert) -> Notice | None:
        self.log.append(alert)
        notice = self.book.take(alert, at=alert.at, offset=next(self._places))
        if notice is not None:
            self.published.append(notice)
        return notice
