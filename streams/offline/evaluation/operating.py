"""Operating points of a router on its curve, and their cost a request."""

from __future__ import annotations

from dataclasses import dataclass

from streams.offline.evaluation.bands import Interval, interval
from streams.offline.evaluation.curves import Ranking, Vector

GAPS = (0.25, 0.50, 0.80, 0.95)
RESAMPLES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatingPoint:
    """To recover `gap` (0..1) of the quality gap, `share` (0..1) of the calls must be strong."""

    gap: float
    share: Interval


def operating_points(
    weak: Vector,
    strong: Vector,
    preference: Vector,
    gaps: tuple[float, ...] = GAPS,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[OperatingPoint, ...]:
    """Return the least share of strong calls for each part of the gap, with 95 % intervals.

    Raises:
        NoGapError: the strong model is no better than the weak one.
    """
    ranking = Ranking.of(weak, strong, preference)

    def share_for(gap: float) -> Interval:
        return interval(
            lambda counts: ranking.curve(counts).share_for(gap),
            len(weak),
            seed=seed,
            resamples=resamples,
        )

    return tuple(OperatingPoint(gap=gap, share=share_for(gap)) for gap in gaps)


def mix_cost(
    share: float, weak: float | None, strong: float | None, *, weak_always_paid: bool = False
) -> float | None:
    """Return USD a request when a share of the calls is strong; `None` if a price is unknown.

    A cascade calls the weak model for every request and pays for each call.
    """
    if weak is None or strong is None:
        return None
    return (1.0 if weak_always_paid else 1 - share) * weak + share * strong


def area_over(
    weak: Vector, strong: Vector, preference: Vector, other: Vector, *, seed: int = 0
) -> Interval:
    """Return how much more of the gap one preference recovers than another (difference of APGR), on
    the same resampled rows, so that common difficulty cancels out.

    Raises:
        NoGapError: the strong model is no better than the weak one.
    """
    ours, theirs = Ranking.of(weak, strong, preference), Ranking.of(weak, strong, other)
    return interval(
        lambda counts: ours.curve(counts).area - theirs.curve(counts).area, len(weak), seed=seed
    )
