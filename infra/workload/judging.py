"""Quality of answers to the sample workload, by the scores in its file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.workload.sample import MODELS, SampleRequest


class WorkloadJudge:
    """Scores replies to requests of the sample by the strength of the model that answered."""

    def __init__(
        self, items: Iterable[SampleRequest], strengths: Mapping[str, str] = MODELS
    ) -> None:
        self._items = {item.id: item for item in items}
        self._strengths = strengths

    def score(self, item_id: str, reply: Mapping[str, Any]) -> float | None:
        """Return 0..1; `None` if no model of the sample answered."""
        strength = self._strengths.get(reply.get("model") or "")
        if strength is None:
            return None
        return self._items[item_id].scores[strength]
