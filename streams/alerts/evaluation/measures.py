"""Measures of each kind of rule. Pure.

A measure adds events to its rule's windows and reads them at an instant. Shares and means are over
the events; sums are 0 without events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from schemas.journal_headers import JournalKind
from schemas.records import ANSWER, HOUR_MS, NANO
from streams.alerts.evaluation.sliding_windows import MOST_SUBJECTS, Sums, Windows
from streams.alerts.log.event_facts import (
    CallSeen,
    DeadLetterObserved,
    EndSeen,
    LagSeen,
    ScoreSeen,
    Seen,
)
from streams.providers.port import ErrorClass
from streams.routing.alert_rules import AlertRule, MeasureKind, Measurement

EVERYBODY = "all"
"""Subject of measures over all tenants."""

_OK = "ok"
_REJECTED = JournalKind.REJECTED
_LOST = frozenset({JournalKind.FAILED, JournalKind.EXPIRED})
_DOWN = frozenset(
    {
        ErrorClass.TIMEOUT.value,
        ErrorClass.CONNECTION.value,
        ErrorClass.SERVER.value,
        ErrorClass.OVERLOADED.value,
        ErrorClass.BAD_RESPONSE.value,
        ErrorClass.AUTH.value,
    }
)
"""Statuses of calls that count against their instance, as in `streams.providers.reliability`."""

Counted = tuple[str, float] | None
"""Returns a subject and an amount; `None` if a rule does not count the event."""


def _tenant_subject(rule: AlertRule, tenant: str) -> str | None:
    if rule.tenants and tenant not in rule.tenants:
        return None
    return tenant if rule.per_tenant else EVERYBODY


def _cost(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, CallSeen) or seen.cost_nano is None:
        return None
    subject = _tenant_subject(rule, seen.tenant)
    return None if subject is None else (subject, seen.cost_nano / NANO)


def _fallback(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, CallSeen) or seen.purpose != ANSWER:
        return None
    subject = _tenant_subject(rule, seen.tenant)
    return None if subject is None else (subject, float(seen.status != _OK))


def _quality(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, ScoreSeen) or seen.signal != rule.signal:
        return None
    return seen.tier or EVERYBODY, seen.score


def _distribution(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, EndSeen) or seen.decided_tier is None or seen.status == _REJECTED:
        return None
    subject = _tenant_subject(rule, seen.tenant)
    return None if subject is None else (subject, float(seen.decided_tier == first_tier))


def _down(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, CallSeen) or seen.instance is None:
        return None
    return f"{seen.model}/{seen.instance}", float(seen.status in _DOWN)


def _unpriced(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, CallSeen) or seen.status != _OK or seen.price_source is not None:
        return None
    return seen.model, 1.0


def _dead_letter(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    return (seen.topic, 1.0) if isinstance(seen, DeadLetterObserved) else None


def _lag(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, LagSeen):
        return None
    return f"{seen.group}/{seen.topic}", float(seen.records)


def _errors(rule: AlertRule, seen: Seen, first_tier: str) -> Counted:
    if not isinstance(seen, EndSeen) or seen.status == _REJECTED:
        return None
    subject = _tenant_subject(rule, seen.tenant)
    return None if subject is None else (subject, float(seen.status in _LOST))


def _hourly(rule: AlertRule, sums: Sums, subject: str) -> Measurement:
    return sums.total(subject, HOUR_MS / rule.window_ms)


def _total(rule: AlertRule, sums: Sums, subject: str) -> Measurement:
    return sums.total(subject)


def _mean(rule: AlertRule, sums: Sums, subject: str) -> Measurement:
    return sums.mean(subject)


@dataclass(frozen=True, slots=True)
class _Formula:
    counts: Callable[[AlertRule, Seen, str], Counted]
    reads: Callable[[AlertRule, Sums, str], Measurement]
    text: str


_FORMULAS: Mapping[MeasureKind, _Formula] = {
    MeasureKind.COST_RATE: _Formula(_cost, _hourly, "spend is ${value:.4f} per hour"),
    MeasureKind.FALLBACK_RATE: _Formula(_fallback, _mean, "{value:.1%} of answering calls fail"),
    MeasureKind.QUALITY_DROP: _Formula(_quality, _mean, "mean {signal} is {value:.3f}"),
    MeasureKind.DISTRIBUTION_SHIFT: _Formula(
        _distribution, _mean, "{value:.1%} of requests go to the first tier"
    ),
    MeasureKind.PROVIDER_DOWN: _Formula(_down, _mean, "{value:.1%} of its calls fail"),
    MeasureKind.UNKNOWN_PRICE: _Formula(
        _unpriced, _total, "{value:.0f} answered calls have no price"
    ),
    MeasureKind.DEAD_LETTERS: _Formula(
        _dead_letter, _total, "{value:.0f} messages became dead letters"
    ),
    MeasureKind.CONSUMER_LAG: _Formula(_lag, _mean, "the lag is {value:.0f} records"),
    MeasureKind.ERROR_RATE: _Formula(_errors, _mean, "{value:.1%} of requests fail or expire"),
}

ADVICE: Mapping[MeasureKind, str] = {
    MeasureKind.COST_RATE: "Calls of unknown cost are not included. See `sluice query cost_by`.",
    MeasureKind.FALLBACK_RATE: "See `sluice query fallback_rate`.",
    MeasureKind.QUALITY_DROP: "See `sluice query quality_by_tier`.",
    MeasureKind.DISTRIBUTION_SHIFT: "See `sluice query routing_distribution`.",
    MeasureKind.PROVIDER_DOWN: (
        "After consecutive failures its circuit opens. See `sluice query provider_health`."
    ),
    MeasureKind.UNKNOWN_PRICE: (
        "Set models.<name>.price in the registry. See `sluice query unknown_cost`."
    ),
    MeasureKind.DEAD_LETTERS: "See `sluice query dead_letters`; the bytes are on the .dlq topic.",
    MeasureKind.CONSUMER_LAG: "Add workers or sinks, or check what blocks them: see /health.",
    MeasureKind.ERROR_RATE: "See `sluice query provider_health` and the worker's log.",
}
"""Action for an alert of each kind."""


class Measure:
    """The measure of one rule; `first_tier` is the registry's cheapest."""

    def __init__(
        self, rule: AlertRule, first_tier: str, *, most_subjects: int = MOST_SUBJECTS
    ) -> None:
        self.rule = rule
        self._first_tier = first_tier
        self._windows = Windows(
            rule.window_ms, before=rule.change is not None, most_subjects=most_subjects
        )
        self._formula = _FORMULAS[rule.kind]

    def take(self, seen: Seen) -> None:
        """Count an event, if the rule counts it."""
        counted = self._formula.counts(self.rule, seen, self._first_tier)
        if counted is not None:
            subject, amount = counted
            self._windows.take(subject, seen.at, amount)

    def readings(self, now: int) -> Iterator[Measurement]:
        """Return the figure of each subject at `now`."""
        for subject, sums in self._windows.sums(now):
            yield self._formula.reads(self.rule, sums, subject)

    def silence(self, subject: str) -> Measurement:
        """Return the figure of a subject without recent events."""
        return self._formula.reads(self.rule, Sums(), subject)

    def in_words(self, reading: Measurement) -> str:
        """Return a figure as text."""
        text = self._formula.text.format(value=reading.value or 0.0, signal=self.rule.signal)
        if self.rule.change is None or reading.before is None:
            return text
        return f"{text}, {reading.before:.3f} in the previous window"
