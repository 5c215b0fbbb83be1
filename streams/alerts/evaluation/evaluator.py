"""Evaluator: alerts to fire, resolve or repeat at an instant. Pure.

The evaluator receives every event of its rules' windows, in any order of partitions, and is called
at instants that never go back. Active alerts come from the log; its proposals count once they are
on the log. It also repeats alerts that workers raise themselves while their cause lasts, and
resolves them afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.events import Alert
from streams.alerts.evaluation.active_alerts import ActiveAlert, AlertBook, Name
from streams.alerts.evaluation.alert_states import AlertTimer, AlertTransition, step
from streams.alerts.evaluation.measures import ADVICE, Measure
from streams.alerts.evaluation.process_alerts import span_in_words, why_over
from streams.alerts.evaluation.sliding_windows import MOST_SUBJECTS
from streams.alerts.log.event_facts import Seen
from streams.routing.alert_rules import (
    Alerting,
    AlertRule,
    MeasureKind,
    Measurement,
    RuleEvaluation,
    RuleState,
    judge,
)

MARK = "evaluator@"
"""Prefix of the reporter's name in records of this evaluator."""

MOST_SUBJECTS_IN_ALL = 2_000
"""Maximum number of subjects of all rules; shared evenly, at most `MOST_SUBJECTS` each."""

REMIND_MS = 24 * 3_600_000
"""An active alert is published again after this time, because the log keeps seven days."""

UPDATE_MS = 10 * 60_000
"""An active alert whose message changed is published again after this time."""


class Evaluator:
    """The rules of one registry version; `name` is the evaluating worker."""

    def __init__(self, alerting: Alerting, tiers: Sequence[str], name: str) -> None:
        most = min(MOST_SUBJECTS, MOST_SUBJECTS_IN_ALL // max(len(alerting.rules), 1))
        self._measures = tuple(
            Measure(rule, tiers[0], most_subjects=most) for rule in alerting.rules
        )
        self._rules = {rule.name: rule for rule in alerting.rules}
        self._timers: dict[Name, AlertTimer] = {}
        self._noticed_by = MARK + name

    @property
    def kinds(self) -> frozenset[MeasureKind]:
        """Return the kinds of measures of its rules."""
        return frozenset(rule.kind for rule in self._rules.values())

    @property
    def horizon_ms(self) -> int:
        """Return the time, ms, for which it must have all events to be exact."""
        return max(
            (rule.window_ms * (1 if rule.change is None else 2) for rule in self._rules.values()),
            default=0,
        )

    def take(self, seen: Seen) -> None:
        """Apply an event."""
        for measure in self._measures:
            measure.take(seen)

    def evaluate(self, now: int, book: AlertBook) -> Iterator[Sequence[Alert]]:
        """Yield the alerts to publish at `now` (broker time, ms), rule by rule, so that other tasks
        can run in between.
        """
        active = dict(book.active)
        for measure in self._measures:
            alerts = tuple(self._of_rule(measure, active, now))
            for alert in alerts:
                active.pop((alert.rule, alert.subject), None)
            yield alerts
        yield tuple(self._of_others(active, now))

    def _of_others(self, active: dict[Name, ActiveAlert], now: int) -> Iterator[Alert]:
        """Return alerts without a rule that are over, and those to repeat."""
        for (rule, subject), alert in active.items():
            ours = rule in self._rules
            measured = alert.fired.worker.startswith(MARK)
            if measured and not ours:
                over: str | None = "the rule was removed from the registry"
            else:
                over = None if ours else why_over(rule, subject, alert.seen, now)
            if over is not None:
                yield self._alert(alert.fired, AlertTransition.RESOLVED, over, now)
            elif measured and now - alert.seen >= REMIND_MS:
                yield self._alert(alert.latest, AlertTransition.FIRED, alert.latest.message, now)

    def _of_rule(
        self, measure: Measure, active: dict[Name, ActiveAlert], now: int
    ) -> Iterator[Alert]:
        rule = measure.rule
        firing = {subject: each for (name, subject), each in active.items() if name == rule.name}
        read = {reading.subject: reading for reading in measure.readings(now)}
        for subject in firing.keys() - read.keys():
            read[subject] = measure.silence(subject)
        for subject, reading in read.items():
            name = (rule.name, subject)
            judged = judge(rule, reading, firing=subject in firing)
            timer, change = step(
                self._timers.get(name, AlertTimer()),
                judged.verdict,
                rule,
                now,
                firing=subject in firing,
            )
            self._remember(name, timer)
            if change is not None:
                yield self._measured(measure, reading, judged, change, now)
            elif subject in firing and judged.verdict is RuleState.BREACHED:
                alert = self._measured(measure, reading, judged, AlertTransition.FIRED, now)
                if _is_news(alert, firing[subject], now):
                    yield alert

    def _remember(self, name: Name, timer: AlertTimer) -> None:
        if timer == AlertTimer():
            self._timers.pop(name, None)
        else:
            self._timers[name] = timer

    def _measured(
        self,
        measure: Measure,
        reading: Measurement,
        judged: RuleEvaluation,
        change: AlertTransition,
        now: int,
    ) -> Alert:
        rule = measure.rule
        finding = "no recent data" if reading.value is None else measure.in_words(reading)
        advice = f". {ADVICE[rule.kind]}" if change is AlertTransition.FIRED else ""
        return Alert(
            rule=rule.name,
            subject=reading.subject,
            state=change.value,
            severity=rule.severity,
            message=f"{finding} ({_bound(rule, judged)}over {span_in_words(rule.window_ms)})"
            f"{advice}",
            at=now,
            worker=self._noticed_by,
            value=None if reading.value is None else round(reading.value, 9),
            threshold=judged.threshold,
        )

    def _alert(self, fired: Alert, change: AlertTransition, message: str, now: int) -> Alert:
        return Alert(
            rule=fired.rule,
            subject=fired.subject,
            state=change.value,
            severity=fired.severity,
            message=message,
            at=now,
            worker=self._noticed_by,
            value=fired.value if change is AlertTransition.FIRED else None,
            threshold=fired.threshold,
        )


def _is_news(alert: Alert, known: ActiveAlert, now: int) -> bool:
    """Return whether an active alert's current message needs another record."""
    return now - known.seen >= UPDATE_MS and alert.message != known.latest.message


def _bound(rule: AlertRule, judged: RuleEvaluation) -> str:
    return "" if judged.threshold is None else f"bound {judged.threshold:g}, "
