"""End of alerts that a process raised itself, without a rule in the registry. Pure.

`AlertName` has the `Resolution` of each alert; the evaluator applies it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from schemas.alert_names import Resolution, resolution_of
from streams.routing.budget_windows import DAY, HOUR, MONTH, window_end

QUIET_MS = 15 * 60_000
"""Time without a repetition after which an alert is over. Workers repeat a lasting alert after 10
minutes (`streams.alerts.worker_alerts.REPEAT_MS`).
"""

_WINDOWS = {16: (HOUR, "%Y-%m-%d %H:%M"), 10: (DAY, "%Y-%m-%d"), 7: (MONTH, "%Y-%m")}
"""Windows by the length of their names, as in `streams.routing.budget_windows`."""


def why_over(rule: str, subject: str, seen: int, now: int) -> str | None:
    """Return why an alert last raised at `seen` is over at `now` (ms); `None` while it is active.

    A name that no process raises itself has no known end: its publisher resolves it.
    """
    match resolution_of(rule):
        case Resolution.BUDGET_WINDOW if (end := budget_window_end(subject)) is not None:
            return "the budget window ended" if now >= end else None
        case Resolution.QUIET | Resolution.BUDGET_WINDOW:
            pass
        case Resolution.EVALUATED:
            return "a worker evaluates alert rules again"
        case _:
            return None
    return f"not raised again within {span_in_words(QUIET_MS)}" if now - seen >= QUIET_MS else None


def budget_window_end(subject: str) -> int | None:
    """Return the end (ms) of the window in the subject of a budget alert; `None` without one.

    A subject is `budget: subject, window, level` (`streams.budgets.budget_alerts`).
    """
    parts = subject.rsplit(", ", 2)
    if len(parts) != 3 or len(parts[1]) not in _WINDOWS:
        return None
    window, form = _WINDOWS[len(parts[1])]
    try:
        start = datetime.strptime(parts[1], form).replace(tzinfo=UTC)
        return window_end(window, int(start.timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def span_in_words(milliseconds: int) -> str:
    """Return a duration as text: `1 h`, `5 min`, `90 s`."""
    seconds = milliseconds // 1_000
    for unit, size in (("h", 3_600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
