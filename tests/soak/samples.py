"""Samples of a soak run and their evaluation, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

MOST_GROWTH = 0.05
"""How much more memory the last quarter may have than the second one (issue: under fire)."""

MOST_LAG_S = 2.0
"""Lag, in seconds of the load, that counts as none: commits come once a second."""

RECORDS_A_REQUEST = 6.0
"""What a request puts on the log, about."""

MOST_SLOWER = 1.5
"""How much slower the last quarter's 99th percentile may be than the second quarter's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A moment, s after the load began: memory by process, MB; lag by process, records."""

    at_s: float
    memory_mb: Mapping[str, float]
    lag: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A figure's mean in the second and in the last quarter."""

    name: str
    second: float
    last: float

    @property
    def share(self) -> float:
        """How much more it is in the last quarter, of the second."""
        return self.last / self.second - 1 if self.second else 0.0


def after(samples: Iterable[Sample], warm_s: float) -> list[Sample]:
    """Those after a time of warming up, as if the load had begun at its end."""
    return [replace(each, at_s=each.at_s - warm_s) for each in samples if each.at_s >= warm_s]


def memory_growth(samples: Sequence[Sample]) -> list[Growth]:
    """Memory of each process, MB."""
    names = sorted({name for sample in samples for name in sample.memory_mb})
    return [
        _growth(
            name, [(each.at_s, each.memory_mb[name]) for each in samples if name in each.memory_mb]
        )
        for name in names
    ]


def lag_growth(samples: Sequence[Sample]) -> list[Growth]:
    """Lag of each process that has one, records."""
    names = sorted({name for sample in samples for name in sample.lag})
    return [
        _growth(name, [(each.at_s, each.lag[name]) for each in samples if name in each.lag])
        for name in names
    ]


def latency_growth(latencies: Iterable[tuple[float, float]], share: float) -> Growth:
    """A percentile (0..1) of `(at_s, ms)`."""
    second, last = quarters(list(latencies))
    return Growth(name=f"p{share * 100:g}", second=_part(second, share), last=_part(last, share))


def quarters(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Values of the second and of the last quarter of the time."""
    end = max((at for at, _ in points), default=0.0)
    return (
        [value for at, value in points if end / 4 <= at < end / 2],
        [value for at, value in points if at >= 3 * end / 4],
    )


def faults(samples: Sequence[Sample], slow: Growth, rate: float) -> list[str]:
    """What did not hold, in words."""
    found = [
        f"memory of {each.name} grew by {each.share:.1%}"
        for each in memory_growth(samples)
        if each.share > MOST_GROWTH
    ]
    found += [
        f"lag of {each.name} grew from {each.second:.0f} to {each.last:.0f} records"
        for each in lag_growth(samples)
        if each.last > max(each.second * MOST_SLOWER, MOST_LAG_S * rate * RECORDS_A_REQUEST)
    ]
    if slow.last > slow.second * MOST_SLOWER:
        found.append(f"{slow.name} went from {slow.second:.0f} to {slow.last:.0f} ms")
    return found


def _growth(name: str, points: Sequence[tuple[float, float]]) -> Growth:
    second, last = quarters(points)
    return Growth(
        name=name,
        second=fmean(second) if second else 0.0,
        last=fmean(last) if last else 0.0,
    )


def _part(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0
