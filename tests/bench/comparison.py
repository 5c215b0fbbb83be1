"""Figures of two trees over some rounds: medians, spread, and what is worse by more than it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.figures import Figure

LEAST_ROUNDS = 3
"""Rounds without which the spread says nothing: nothing is marked."""

LEAST_CHANGE = 0.02
"""Share of the base's median below which a change is none, however close the rounds are."""

WORSE, BETTER = "worse", "better"


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one figure of one tree, one a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def low(self) -> float:
        return min(self.values)

    @property
    def high(self) -> float:
        return max(self.values)

    @property
    def spread(self) -> float:
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure of both trees; a tree that does not have it is `None`."""

    group: str
    name: str
    unit: str
    base: Series | None
    this: Series | None

    @property
    def ratio(self) -> float | None:
        """This tree's median over the base's."""
        if self.base is None or self.this is None or self.base.median == 0:
            return None
        return self.this.median / self.base.median

    @property
    def mark(self) -> str:
        """`worse` or `better` if the medians differ by more than the larger spread; else empty."""
        if self.base is None or self.this is None:
            return ""
        if min(len(self.base.values), len(self.this.values)) < LEAST_ROUNDS:
            return ""
        change = self.this.median - self.base.median
        least = LEAST_CHANGE * abs(self.base.median)
        if abs(change) <= max(self.base.spread, self.this.spread, least):
            return ""
        return WORSE if (change > 0) is not more_is_better(self.unit) else BETTER


def more_is_better(unit: str) -> bool:
    """Rates and `times` (something else over this) are better when higher; the rest when lower,
    inserts among them: fewer of them hold the same rows.
    """
    return (unit.endswith("/s") and unit != "inserts/s") or unit == "times"


def series_of(rounds: Iterable[Sequence[Figure]]) -> dict[tuple[str, str], Series]:
    """Values by group and name, in the order in which figures appear first."""
    values: dict[tuple[str, str], list[float]] = {}
    for figures in rounds:
        for each in figures:
            values.setdefault((each.group, each.name), []).append(each.value)
    return {key: Series(tuple(found)) for key, found in values.items()}


def compare(
    base: Sequence[Sequence[Figure]], this: Sequence[Sequence[Figure]]
) -> tuple[Compared, ...]:
    """All figures of both trees, this tree's first; the unit is this tree's where both have it."""
    bases, own = series_of(base), series_of(this)
    units = {(each.group, each.name): each.unit for figures in (*base, *this) for each in figures}
    return tuple(
        Compared(
            group=key[0],
            name=key[1],
            unit=units[key],
            base=bases.get(key),
            this=own.get(key),
        )
        for key in dict.fromkeys((*own, *bases))
    )
