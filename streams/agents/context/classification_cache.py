"""Cache of the `llm` classifier, with a pause while its model fails."""

from __future__ import annotations

from collections import OrderedDict

from streams.routing.llm.classification import LlmClassification

REMEMBERED = 10_000
"""Maximum number of cached classifications; the least recently used is removed first."""

FAILURES_TO_PAUSE = 5
PAUSE_MS = 10_000
"""Consecutive failures after which the model is paused, and the length of the pause."""


class ClassificationCache:
    """Recent classifications of a worker, and whether calls are paused."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[str, LlmClassification] = OrderedDict()
        self._failures = 0
        self._paused_until = 0

    def recall(self, key: str) -> LlmClassification | None:
        """Return the classification of an equal question, marked as cached."""
        found = self._known.get(key)
        if found is None:
            return None
        self._known.move_to_end(key)
        return LlmClassification(
            tier=found.tier, score=found.score, reason=found.reason, cached=True
        )

    def keep(self, key: str, opinion: LlmClassification, now: int) -> None:
        """Store a classification; count a failure."""
        if opinion.failed is not None:
            self._failures += 1
            if self._failures >= FAILURES_TO_PAUSE:
                self._failures = 0
                self._paused_until = now + PAUSE_MS
            return
        self._failures = 0
        self._known[key] = opinion
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def paused(self, now: int) -> bool:
        """Return whether calls are paused after recent failures."""
        return now < self._paused_until
