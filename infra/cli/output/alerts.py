"""Data of `sluice alerts`: active alerts and recent changes. Pure.

Reads the alert log like the evaluator (`streams.alerts.evaluation`), so that repeats are not shown
as changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas.alert_evaluation import AlertEvaluation
from schemas.events import Alert
from streams.alerts.evaluation.active_alerts import ActiveAlert, AlertBook, Notice

OVERDUE_S = 60
"""Age of the latest evaluation, s, from which a missing evaluator is reported."""

_SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsShown:
    """Active alerts, the most severe and oldest first; changes, the latest first."""

    firing: tuple[ActiveAlert, ...]
    lately: tuple[Notice, ...]
    evaluation: AlertEvaluation | None = None

    def as_document(self) -> dict[str, Any]:
        """Return JSON; times are ISO, UTC."""
        return {
            "evaluation": _evaluation(self.evaluation),
            "firing": [_active_alert(each) for each in self.firing],
            "lately": [_change(each) for each in self.lately],
        }


def alerts_shown(
    records: Iterable[tuple[int, int, Alert]],
    since: int,
    evaluation: AlertEvaluation | None = None,
) -> AlertsShown:
    """Build from all records of the log (offset, append time in ms, alert), changes from `since`
    on, and the latest evaluation of rules.
    """
    book, lately = AlertBook(), []
    for offset, at, alert in records:
        notice = book.take(alert, at=at, offset=offset)
        if notice is not None and at >= since:
            lately.append(notice)
    return AlertsShown(
        firing=tuple(sorted(book.active.values(), key=_urgency)),
        lately=tuple(reversed(lately)),
        evaluation=evaluation,
    )


def evaluation_in_words(evaluation: AlertEvaluation | None, now: int) -> str:
    """Return the evaluator of alert rules in one line; `now` is ms."""
    if evaluation is None:
        return "no worker has evaluated alert rules yet"
    age_s = max(now - evaluation.at, 0) // 1000
    if age_s < OVERDUE_S:
        return f"rules are evaluated by {evaluation.worker}, last {age_s} s ago"
    return (
        f"NO WORKER EVALUATES ALERT RULES: the last one was {evaluation.worker} "
        f"at {when(evaluation.at)} UTC"
    )


def no_alerts_in_words(evaluation: AlertEvaluation | None, now: int) -> str:
    """Return the line for a log without active alerts: it says nothing about rules that nobody
    evaluates.
    """
    if evaluation is not None and now - evaluation.at < OVERDUE_S * 1000:
        return "no active alerts"
    return "no active alerts of processes; those of rules are unknown, since nobody evaluates them"


def _evaluation(evaluation: AlertEvaluation | None) -> dict[str, Any] | None:
    if evaluation is None:
        return None
    return {"worker": evaluation.worker, "at": _iso(evaluation.at)}


def when(milliseconds: int) -> str:
    """Return a time for people, UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _urgency(active: ActiveAlert) -> tuple[int, int]:
    severity = active.latest.severity
    rank = _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
    return rank, active.fired.at


def _active_alert(active: ActiveAlert) -> dict[str, Any]:
    return _alert(active.latest) | {"since": _iso(active.fired.at), "last_said": _iso(active.seen)}


def _change(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "state": notice.change.value,
        "at": _iso(notice.at),
        "fired_at": _iso(notice.fired_at),
        **_alert(notice.alert),
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert.rule,
        "subject": alert.subject,
        "severity": alert.severity,
        "message": alert.message,
        "value": alert.value,
        "threshold": alert.threshold,
        "noticed_by": alert.worker,
    }


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
