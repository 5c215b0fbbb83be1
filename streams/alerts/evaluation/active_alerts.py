"""Which alerts stand, by the log alone. Pure.

`llm.alerts.v1` has one partition and so one order. What always holds: of a rule and a subject the
first `fired` record counts, until the first `resolved` one; everything between is a repeat. Two
publishers that do not know of each other can therefore never fire, or resolve, an alert twice.
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

MOST_STANDING = 5_000
"""Alerts that can stand at once; one more pushes out the one that was longest not repeated."""

Name = tuple[str, str]
"""Rule and subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveAlert:
    """An alert that stands: the record that fired it, the latest record, and the latest record's
    append time (ms).

    `fired` says since when it stands, `latest` says why it stands now.
    """

    fired: Alert
    latest: Alert
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell: an alert fired, or was resolved; `offset` is where that lies on the log.

    `at` is the append time of its record, `fired_at` when the rule saw its breach; both ms.
    """

    offset: int
    change: AlertTransition
    alert: Alert
    at: int
    fired_at: int

    @property
    def id(self) -> str:
        """Tells this notice from every other; the same again when it is read again."""
        return f"{ALERTS}:0:{self.offset}"


def read_alert(record: Mapping[str, Any]) -> Alert:
    """The alert of a decoded record.

    Raises:
        UndecodableError: it is neither fired nor resolved.
    """
    alert = from_record(Alert, record)
    if alert.state not in set(AlertTransition):
        raise UndecodableError("the state of an alert is neither fired nor resolved")
    return alert


class AlertBook:
    """The standing alerts."""

    def __init__(self, *, most: int = MOST_STANDING) -> None:
        self._standing: dict[Name, ActiveAlert] = {}
        self._most = most

    @property
    def standing(self) -> Mapping[Name, ActiveAlert]:
        """What stands now, by rule and subject."""
        return self._standing

    def take(self, alert: Alert, *, at: int, offset: int) -> Notice | None:
        """Take a record in; what it tells that was not known, `None` for a repeat.

        `at` is its append time (ms), `offset` where it lies on the log.
        """
        name = (alert.rule, alert.subject)
        stands = self._standing.get(name)
        if alert.state == AlertTransition.FIRED:
            if stands is not None:
                self._standing[name] = replace(stands, latest=alert, seen=at)
                return None
            self._make_room()
            self._standing[name] = ActiveAlert(fired=alert, latest=alert, seen=at)
            return Notice(
                offset=offset, change=AlertTransition.FIRED, alert=alert, at=at, fired_at=alert.at
            )
        if stands is None:
            return None
        del self._standing[name]
        return Notice(
            offset=offset,
            change=AlertTransition.RESOLVED,
            alert=alert,
            at=at,
            fired_at=stands.fired.at,
        )

    def _make_room(self) -> None:
        if len(self._standing) >= self._most:
            del self._standing[min(self._standing, key=lambda name: self._standing[name].seen)]
