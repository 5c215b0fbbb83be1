"""Sliding windows by event time: count and sum of the last so many ms, and of those before. Pure.

A window moves in steps of a sixtieth of its length, so the result depends only on the events and
the instant: every reader of the log gets the same. Memory is bounded by 60 steps for each subject,
120 with the window before, and by `most_subjects`; further subjects are counted together.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.routing.alert_rules import Measurement

STEPS = 60
"""Steps of a window."""

MOST_SUBJECTS = 200
OTHER = "other"


class Windows:
    """The window of one length, and with `before` the one before it, for each subject of a rule.

    Times are broker times, ms since 1970 UTC.
    """

    def __init__(
        self, window_ms: int, *, before: bool = True, most_subjects: int = MOST_SUBJECTS
    ) -> None:
        self._step_ms = max(window_ms // STEPS, 1)
        self._kept = 2 * STEPS if before else STEPS
        self._most = most_subjects
        self._subjects: dict[str, dict[int, list[float]]] = {}

    def take(self, subject: str, at: int, amount: float) -> None:
        """Add an event with this amount."""
        steps = self._subjects.get(subject)
        if steps is None:
            if len(self._subjects) >= self._most:
                subject = OTHER
            steps = self._subjects.setdefault(subject, {})
        place = at // self._step_ms
        step = steps.get(place)
        if step is None:
            steps[place] = [1.0, amount]
        else:
            step[0] += 1
            step[1] += amount

    def sums(self, now: int) -> Iterator[tuple[str, Sums]]:
        """Yield each subject with events at `now`, which never goes back; drop what is older than
        the windows.
        """
        last = now // self._step_ms
        middle, oldest = last - STEPS, last - self._kept
        for subject in list(self._subjects):
            steps = self._subjects[subject]
            sums = Sums()
            for place in list(steps):
                if place <= oldest:
                    del steps[place]
                elif place <= last:
                    sums.add(*steps[place], recent=place > middle)
            if steps:
                yield subject, sums
            else:
                del self._subjects[subject]


class Sums:
    """Count and sum of a window, and of the one before."""

    __slots__ = ("amount", "amount_before", "count", "count_before")

    def __init__(self) -> None:
        self.count = self.count_before = 0
        self.amount = self.amount_before = 0.0

    def add(self, count: float, amount: float, *, recent: bool) -> None:
        """Add a step, of this window or of the one before."""
        if recent:
            self.count += int(count)
            self.amount += amount
        else:
            self.count_before += int(count)
            self.amount_before += amount

    def mean(self, subject: str) -> Measurement:
        """Return the mean amount, now and before."""
        return Measurement(
            subject=subject,
            value=self.amount / self.count if self.count else None,
            sample=self.count,
            before=self.amount_before / self.count_before if self.count_before else None,
            sample_before=self.count_before,
        )

    def total(self, subject: str, scale: float = 1.0) -> Measurement:
        """Return the sum, 0 without events, with its own value as the sample."""
        return Measurement(subject=subject, value=self.amount * scale, sample=max(self.count, 1))
