"""Row of one replayed request on the replay topic, with conversion in both directions.

A row has all data that projections need beside ClickHouse's, so nothing is decided twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.offline.replay.cases import Step
from streams.offline.replay.decisions.recorded import Recorded
from streams.offline.replay.decisions.redeciding import Redecided
from streams.offline.replay.decisions.trajectories import Wants

OPENED, DECISION, CLOSED = "opened", "decision", "closed"
LAST_MARK = -1.0
_UNKNOWN_DIFFICULTY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """Result of one request; `way` and `before` are the models that would be called, under the
    replay's registry and under the live one; `chances` as in `Case`.
    """

    recorded: Recorded
    again: Redecided
    wants: Wants
    way: tuple[Step, ...]
    before: tuple[Step, ...]
    difficulty: float | None
    chances: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_same(self) -> bool:
        """Return whether it would start on the same tier."""
        new, old = self.again.decision, self.recorded.decision
        return new is not None and new.tier == old.tier and new.model == old.model


def run_event(kind: str, run_id: str, at: int, document: str) -> dict[str, Any]:
    """Return the record that opens or closes a run."""
    return _BLANK | {"run_id": run_id, "kind": kind, "at": at, "document": document}


_BLANK: dict[str, Any] = {
    "tenant": "",
    "request_id": "",
    "source": None,
    "user_id": "",
    "user_tier": "",
    "feature": "",
    "how": "",
    "same": None,
    "from_tier": "",
    "from_model": "",
    "from_score": None,
    "from_version": "",
    "decision": None,
    "request_model": "",
    "models": [],
    "marks": [],
    "difficulty": None,
    "tokens": None,
    "chance_models": [],
    "chance_values": [],
    "refusal": "",
    "document": "",
}


def way_of(models: Sequence[str], marks: Sequence[float]) -> tuple[Step, ...]:
    """Return the steps in a row."""
    return tuple(
        Step(model=model, goes_on_below=None if mark == LAST_MARK else mark)
        for model, mark in zip(models, marks, strict=True)
    )


def known_difficulty(difficulty: float | None) -> float:
    """Return a difficulty for expectations; the middle if the request has no score."""
    return _UNKNOWN_DIFFICULTY if difficulty is None else difficulty
