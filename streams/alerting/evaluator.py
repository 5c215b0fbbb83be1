"""Which alerts should fire, be resolved or be said again, at an instant. Pure.

The evaluator sees every event of its rules' windows, in any order of partitions, and is asked at
instants that never go back. What stands it is told by the book; what it proposes counts once it is
on the log. Besides its rules it looks after alerts that workers raise by themselves: those are said
again while their cause lasts, and are over when they are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemas.events import Alert
from streams.alerting.book import AlertBook, Name, Standing
from streams.alerting.measures import ADVICE, Measure
from streams.alerting.seen import Seen
from streams.alerting.states import Change, Patience, step
from streams.routing.alert_rules import Alerting, AlertRule, Judged, Kind, Reading, judge

MARK = "evaluator@"
"""Begins the name of who noticed, in records of this evaluator."""

QUIET_MS = 15 * 60_000
"""After how long without a repeat an alert of a worker's is over; they repeat after 10 minutes."""

QUIET_RULES = frozenset(
    {
        "provider_down",
        "provider_auth",
        "unknown_price",
        "input_shift",
        "calibration_lost",
        "invalid_registry",
    }
)
"""Alerts that workers raise by themselves and say again while their cause lasts."""

REMIND_MS = 24 * 3_600_000
"""A standing alert is said again so often, since the log forgets after seven days."""


class Evaluator:
    """The rules of one registry version at work; `name` is the worker that evaluates."""

    def __init__(self, alerting: Alerting, tiers: Sequence[str], name: str) -> None:
        self._measures = tuple(Measure(rule, tiers[0]) for rule in alerting.rules)
        self._rules = {rule.name: rule for rule in alerting.rules}
        self._patience: dict[Name, Patience] = {}
        self._noticed_by = MARK + name

    @property
    def kinds(self) -> frozenset[Kind]:
        """What its rules measure."""
        return frozenset(rule.kind for rule in self._rules.values())

    @property
    def horizon_ms(self) -> int:
        """How far back it must have seen everything to say the same as one that ran all along."""
        return max((2 * rule.window_ms for rule in self._rules.values()), default=0)

    def take(self, seen: Seen) -> None:
        """Something happened."""
        for measure in self._measures:
            measure.take(seen)

    def evaluate(self, now: int, book: AlertBook) -> Iterator[Alert]:
        """What should be put on the log at `now` (broker time, ms)."""
        standing = dict(book.standing)
        for measure in self._measures:
            for alert in self._of_rule(measure, standing, now):
                standing.pop((alert.rule, alert.subject), None)
                yield alert
        for name, stands in standing.items():
            over = self._over(name, stands, now)
            if over is not None:
                yield self._alert(stands.fired, Change.RESOLVED, over, now)
            elif self._is_ours(name, stands) and now - stands.seen >= REMIND_MS:
                yield self._alert(stands.fired, Change.FIRED, stands.fired.message, now)

    def _of_rule(
        self, measure: Measure, standing: dict[Name, Standing], now: int
    ) -> Iterator[Alert]:
        rule = measure.rule
        stands = {subject for name, subject in standing if name == rule.name}
        read = {reading.subject: reading for reading in measure.readings(now)}
        for subject in stands - read.keys():
            read[subject] = measure.silence(subject)
        for subject, reading in read.items():
            name = (rule.name, subject)
            judged = judge(rule, reading, firing=subject in stands)
            patience, change = step(
                self._patience.get(name, Patience()),
                judged.verdict,
                rule,
                now,
                firing=subject in stands,
            )
            self._remember(name, patience)
            if change is not None:
                yield self._measured(measure, reading, judged, change, now)

    def _remember(self, name: Name, patience: Patience) -> None:
        if patience == Patience():
            self._patience.pop(name, None)
        else:
            self._patience[name] = patience

    def _measured(
        self, measure: Measure, reading: Reading, judged: Judged, change: Change, now: int
    ) -> Alert:
        rule = measure.rule
        if reading.value is None:
            said = "nothing was seen of it for a while"
        else:
            said = measure.in_words(reading)
        advice = f". {ADVICE[rule.kind]}" if change is Change.FIRED else ""
        return Alert(
            rule=rule.name,
            subject=reading.subject,
            state=change.value,
            severity=rule.severity,
            message=f"{said} ({_bound(rule, judged)}over {_span(rule.window_ms)}){advice}",
            at=now,
            worker=self._noticed_by,
            value=None if reading.value is None else round(reading.value, 9),
            threshold=judged.threshold,
        )

    def _over(self, name: Name, stands: Standing, now: int) -> str | None:
        """Why an alert that no rule of ours measures is over; `None` while it stands."""
        rule = name[0]
        if rule in self._rules:
            return None
        if self._is_ours(name, stands):
            return "its rule is not in the registry any more"
        if rule in QUIET_RULES and now - stands.seen >= QUIET_MS:
            return f"it was not raised again for {_span(QUIET_MS)}"
        return None

    def _is_ours(self, name: Name, stands: Standing) -> bool:
        return name[0] in self._rules or stands.fired.worker.startswith(MARK)

    def _alert(self, fired: Alert, change: Change, message: str, now: int) -> Alert:
        return Alert(
            rule=fired.rule,
            subject=fired.subject,
            state=change.value,
            severity=fired.severity,
            message=message,
            at=now,
            worker=self._noticed_by,
            value=fired.value if change is Change.FIRED else None,
            threshold=fired.threshold,
        )


def _bound(rule: AlertRule, judged: Judged) -> str:
    return "" if judged.threshold is None else f"bound {judged.threshold:g}, "


def _span(milliseconds: int) -> str:
    seconds = milliseconds // 1_000
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
