"""Active alerts, by the log alone. Pure.

`llm.alerts.v1` has one partition and so one order. Invariant: of a rule and a subject the first
`fired` record counts, until the first `resolved` one; those between are repeats. Two independent
publishers can therefore never fire, or resolve, an alert twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.encoding.avro_mapping import from_record
from schemas.errors import UndecodableError
from schemas.events import Alert
from schemas.topics import ALERTS
from streams.alerts.evaluation.alert_states import AlertTransition

MOST_ACTIVE = 5_000
"""Maximum number of active alerts; one more removes the one with the oldest repetition."""

Name = tuple[str, str]
"""Rule and subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlert:
    """An active alert: the record that fired it, the latest record, and the latest record's append
    time (ms).

    `fired` has the start, `latest` the current cause.
    """

    fired: Alert
    latest: Alert
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A change to deliver: an alert fired or was resolved; `offset` is its position on the log.

    `at` is the append time of its record, `fired_at` the time at which the rule was breached; both
    ms.
    """

    offset: int
    change: AlertTransition
    alert: Alert
    at: int
    fired_at: int

    @property
    def id(self) -> str:
        """Return an id of this notice, stable when it is read again."""
        return f"{ALERTS}:0:{self.offset}"


def read_alert(record: Mapping[str, Any]) -> Alert:
    """Return the alert of a decoded record.

    Raises:
        UndecodableError: it is neither fired nor resolved.
    """
    alert = from_record(Alert, record)
    if alert.state not in set(AlertTransition):
        raise UndecodableError("the state of an alert is neither fired nor resolved")
    return alert


class AlertBook:
    """The active alerts."""

    def __init__(self, *, most: int = MOST_ACTIVE) -> None:
        self._active: dict[Name, ActiveAlert] = {}
        self._most = most

    @property
    def active(self) -> Mapping[Name, ActiveAlert]:
        """Return the active alerts by rule and subject."""
        return self._active

    def take(self, alert: Alert, *, at: int, offset: int) -> Notice | None:
        """Apply a record; return its change, `None` for a repeat.

        `at` is its append time (ms), `offset` its position on the log.
        """
        name = (alert.rule, alert.subject)
        active = self._active.get(name)
        if alert.state == AlertTransition.FIRED:
            if active is not None:
                self._active[name] = replace(active, latest=alert, seen=at)
                return None
            self._make_room()
            self._active[name] = ActiveAlert(fired=alert, latest=alert, seen=at)
            return Notice(
                offset=offset, change=AlertTransition.FIRED, alert=alert, at=at, fired_at=alert.at
            )
        if active is None:
            return None
        del self._active[name]
        return Notice(
            offset=offset,
            change=AlertTransition.RESOLVED,
            alert=alert,
            at=at,
            fired_at=active.fired.at,
        )

    def _make_room(self) -> None:
        if len(self._active) >= self._most:
            del self._active[min(self._active, key=lambda name: self._active[name].seen)]
