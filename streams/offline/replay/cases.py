"""A replayed request as figures: what was seen of it, and what the new registry would ask.

Nothing here knows Kafka or SQL; a case is what both are boiled down to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAnswer:
    """One model's answer to a request, as it was really given.

    `cost_nano` is what the call costs at the replay's prices, nano-USD; `score` 0..1 is the most
    trusted signal there is; `confidence` 0..1 the cascade's. `drawn` says that chance asked for it
    (a shadow call), else the answer came without it. What nobody said is `None`.
    """

    cost_nano: int | None = None
    score: float | None = None
    confidence: float | None = None
    drawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A model that a policy would ask, and the confidence (0..1) below which it would go on to the
    next step; `None`: it stops here.
    """

    model: str
    goes_on_below: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request.

    `steps` are the models that a policy would ask, in order. `chances` has the designed
    probability (0 < p < 1) of having been seen by model, for those that a draw could have asked,
    whether or not it did. `guesses` are costs at the replay's prices of models that answered
    nobody yet, nano-USD.
    """

    key: str
    difficulty: float
    tokens: int
    steps: tuple[Step, ...]
    seen: Mapping[str, ObservedAnswer] = field(default_factory=dict)
    chances: Mapping[str, float] = field(default_factory=dict)
    guesses: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def given(self) -> tuple[str, ObservedAnswer] | None:
        """The answer that came without chance, the last if there were several."""
        found = [(model, seen) for model, seen in self.seen.items() if not seen.drawn]
        return found[-1] if found else None
