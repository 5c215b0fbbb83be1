"""A replayed request as numbers: observed answers, and the models that the new registry would call.

The module is independent of Kafka and SQL; a case combines data of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAnswer:
    """One model's observed answer to a request.

    `cost_nano` is the cost of the call at the replay's prices, nano-USD; `score` 0..1 is the most
    trusted available signal; `confidence` 0..1 the cascade's. `drawn` is set if a draw caused the
    call (a shadow call), else it was made without one. Unknown values are `None`.
    """

    cost_nano: int | None = None
    score: float | None = None
    confidence: float | None = None
    drawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A model that a policy would call, and the confidence (0..1) below which it would continue
    with the next step; `None`: it stops here.
    """

    model: str
    goes_on_below: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request.

    `steps` are the models that a policy would call, in order. `chances` has, by model, the designed
    probability (0 < p < 1) of having been observed, for those that a draw could have selected,
    whether or not it did. `guesses` are costs at the replay's prices of models without an answer so
    far, nano-USD.
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
        """Return the answer given without a draw, the last if there were several."""
        found = [(model, seen) for model, seen in self.seen.items() if not seen.drawn]
        return found[-1] if found else None
