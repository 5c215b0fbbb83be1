"""Detects drift of the traffic and loss of calibration.

Scores are compared, window by window, with the first ones under the same registry version.
Confidences are compared with scores by the judge, or by callers' feedback, of the same answers.
Feedback reaches any worker, so each worker joins the feedback on its own answers: a sample, which
is sufficient.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from schemas.alert_names import AlertName
from streams.observability.population_shift import BINS, SHIFTED, bin_of, stability_index

REFERENCE = 1_000
"""Scores of a version that are the reference for its traffic."""

WINDOW = 500
"""Scores in a window that is compared with the reference."""

JUDGED = 200
"""Answers of a model whose confidence is compared with their quality."""

MISCALIBRATED = 0.15
"""Difference of mean confidence and mean quality from which calibration counts as lost. By chance
alone, over this many answers, it exceeds 0.1 once in two hundred windows.
"""

_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding:
    """A drift: the alert's rule, its subject, and the action to take."""

    rule: AlertName
    subject: str
    message: str


@dataclass(slots=True)
class _Scores:
    reference: list[int] = field(default_factory=lambda: [0] * BINS)
    window: list[int] = field(default_factory=lambda: [0] * BINS)


@dataclass(slots=True)
class _Pairs:
    count: int = 0
    confidence: float = 0.0
    quality: float = 0.0


class DriftMonitor:
    """Recent observations of one worker; bounded, and lost on restart."""

    def __init__(self) -> None:
        self._version: str | None = None
        self._scores: dict[str, _Scores] = {}
        self._pairs: dict[str, _Pairs] = {}
        self._given: OrderedDict[bytes, tuple[str, float]] = OrderedDict()

    def decided(self, version: str, classifier: str, score: float | None) -> DriftFinding | None:
        """Record a classification; return a finding if the last window has drifted."""
        if score is None:
            return None
        if version != self._version:
            self._version, self._scores = version, {}
        seen = self._scores.setdefault(classifier, _Scores())
        if sum(seen.reference) < REFERENCE:
            seen.reference[bin_of(score)] += 1
            return None
        seen.window[bin_of(score)] += 1
        if sum(seen.window) < WINDOW:
            return None
        index = stability_index(seen.reference, seen.window)
        seen.window = [0] * BINS
        if index < SHIFTED:
            return None
        return DriftFinding(
            rule=AlertName.INPUT_SHIFT,
            subject=f"{version}/{classifier}",
            message=f"the score distribution of {classifier} differs from its reference "
            f"(stability index {index:.2f}, limit {SHIFTED}). Check "
            "`sluice query routing_distribution`, then retrain: `sluice train --since 7d`.",
        )

    def replied(self, identity: bytes, model: str, confidence: float | None) -> None:
        """Record an answer, for feedback that may follow."""
        if confidence is None:
            return
        self._given[identity] = model, confidence
        if len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)

    def fed_back(self, identity: bytes, score: float | None) -> DriftFinding | None:
        """Record a caller's score of an answer, 0..1."""
        given = self._given.pop(identity, None) if score is not None else None
        return None if given is None or score is None else self.compared(*given, score)

    def compared(self, model: str, confidence: float, quality: float) -> DriftFinding | None:
        """Compare an answer's confidence with its quality, both 0..1."""
        pairs = self._pairs.setdefault(model, _Pairs())
        pairs.count += 1
        pairs.confidence += confidence
        pairs.quality += quality
        if pairs.count < JUDGED:
            return None
        del self._pairs[model]
        sure, good = pairs.confidence / pairs.count, pairs.quality / pairs.count
        if abs(sure - good) < MISCALIBRATED:
            return None
        return DriftFinding(
            rule=AlertName.CALIBRATION_LOST,
            subject=model,
            message=f"mean confidence in answers of {model} is {sure:.2f}, their mean quality is "
            f"{good:.2f}. Check `sluice query calibration`, then retrain or change the thresholds.",
        )
