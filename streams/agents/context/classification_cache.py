"""What the `llm` classifier's model said lately, and whether asking it is worth it now."""

from __future__ import annotations

from collections import OrderedDict

from streams.routing.llm.classification import LlmClassification

REMEMBERED = 10_000
"""Opinions that a worker remembers; the one longest unused goes first."""

FAILURES_TO_PAUSE = 5
PAUSE_MS = 10_000
"""After so many failures in a row the model is not asked for so long."""


class ClassificationCache:
    """What a worker was told lately, and whether asking is worth it now."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._known: OrderedDict[str, LlmClassification] = OrderedDict()
        self._failures = 0
        self._paused_until = 0

    def recall(self, key: str) -> LlmClassification | None:
        """The opinion on an equal question, marked as remembered."""
        found = self._known.get(key)
        if found is None:
            return None
        self._known.move_to_end(key)
        return LlmClassification(
            tier=found.tier, score=found.score, reason=found.reason, cached=True
        )

    def keep(self, key: str, opinion: LlmClassification, now: int) -> None:
        """Remember an opinion; count a failure."""
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
        """Whether the model failed too often just now."""
        return now < self._paused_until
