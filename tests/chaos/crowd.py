"""What became of many requests at once, and what must hold when they were too many. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.soak.samples import MOST_GROWTH, Sample, memory_growth

REPLIED = "replied"
LATE_S = 1.5
"""How long after its deadline an answer may come at most."""

SLOWER = 2.0
"""How much slower a calm load may be afterwards than it was before, at the median."""

OURS = ("worker", "sink")
"""Processes whose memory must be flat; the others fill caches of a bounded size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """One request: its status, `none` without a reply, and when it ended, ms after it was sent.

    `is_degraded` marks an answer that was the best seen so far.
    """

    is_best: bool
    status: str
    ms: float | None
    deadline_ms: int
    is_degraded: bool = False

    @property
    def late_s(self) -> float:
        """How long after its deadline the reply came; below 0 it was in time."""
        return ((self.ms or 0.0) - self.deadline_ms) / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Requests of one load. Times are of replies, s; lateness counts from the deadline."""

    waited: Sequence[Waited]

    @property
    def statuses(self) -> Counter[str]:
        return Counter(each.status for each in self.waited)

    @property
    def answered_share(self) -> float:
        return self.statuses[REPLIED] / len(self.waited) if self.waited else 0.0

    @property
    def of_best(self) -> Crowd:
        return Crowd(waited=[each for each in self.waited if each.is_best])

    @property
    def of_others(self) -> Crowd:
        return Crowd(waited=[each for each in self.waited if not each.is_best])

    def percentile_s(self, share: float) -> float:
        """Of the answers' times."""
        times = sorted(each.ms or 0.0 for each in self.waited if each.status == REPLIED)
        return times[min(int(len(times) * share), len(times) - 1)] / 1000 if times else float("nan")

    def latest_s(self, *, answered: bool) -> float:
        """How long after its deadline the latest answer, or the latest error, came."""
        late = (each.late_s for each in self.waited if (each.status == REPLIED) is answered)
        return max(0.0, *late, 0.0)

    @property
    def late_answers(self) -> list[Waited]:
        """Answers that came too long after their deadline."""
        return [each for each in self.waited if each.status == REPLIED and each.late_s > LATE_S]

    def as_row(self) -> tuple[object, ...]:
        statuses = self.statuses
        rejected = len(self.waited) - statuses[REPLIED] - statuses["none"]
        return (
            *(len(self.waited), statuses[REPLIED], rejected, statuses["none"]),
            *(f"{self.percentile_s(share):.2f}" for share in (0.5, 0.99)),
            *(f"{self.latest_s(answered=answered):.2f}" for answered in (True, False)),
        )

    def as_document(self) -> dict[str, Any]:
        return {
            "sent": len(self.waited),
            "statuses": dict(self.statuses),
            "p50_s": self.percentile_s(0.5),
            "p99_s": self.percentile_s(0.99),
            "answered_late_by_s": self.latest_s(answered=True),
            "told_late_by_s": self.latest_s(answered=False),
            "late_answers": len(self.late_answers),
        }


def overload_faults(
    seen: Crowd, before: Crowd, after: Crowd, samples: Sequence[Sample]
) -> list[str]:
    """What did not hold, in words."""
    found = [
        f"memory of {each.name} grew by {each.share:.1%}"
        for each in memory_growth(samples)
        if each.share > MOST_GROWTH and each.name.startswith(OURS)
    ]
    if missing := seen.statuses["none"]:
        found.append(f"{missing} requests have no reply")
    if late := seen.late_answers:
        degraded = sum(each.is_degraded for each in late)
        found.append(
            f"{len(late)} answers came after their deadline, {degraded} of them the best that was "
            f"seen, the latest {seen.latest_s(answered=True):.1f} s after"
        )
    if seen.of_best.answered_share <= seen.of_others.answered_share:
        found.append(
            f"of the best {seen.of_best.answered_share:.0%} were answered, "
            f"of the others {seen.of_others.answered_share:.0%}"
        )
    if after.answered_share < 1.0:
        found.append("afterwards not everybody was answered")
    if after.percentile_s(0.5) > SLOWER * before.percentile_s(0.5):
        found.append(
            f"the median was {before.percentile_s(0.5):.2f} s before, "
            f"{after.percentile_s(0.5):.2f} s after"
        )
    return found
