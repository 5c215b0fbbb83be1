"""Comparison of two sets of estimates, over the requests that both have.

Contributions of the same answer cancel out, so a difference is often more precise than its parts.
If two replays call different models for a request, each draw that observes one hides the other:
their variances about zero add up, which errs on the wide side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from streams.offline.evaluation.curves import Vector
from streams.offline.replay.cases import Step
from streams.offline.replay.estimates.estimation import Basis, Estimate
from streams.offline.replay.estimates.projection import half_width, unvouched
from streams.offline.replay.estimates.table import CaseTable


def difference(worth: Estimate, was: Vector, table: CaseTable, what: str) -> dict[str, Any] | None:
    """Return the difference of a replay's figures to the observed ones, a request; `None` if no
    request has both.
    """
    known = (worth.basis != Basis.UNKNOWN) & ~np.isnan(was)
    rows = int(known.sum())
    if not rows:
        return None
    squared = float(worth.variance[known].sum()) + unvouched(worth, table, what, known)
    return _document(worth.value[known] - was[known], squared, worth.draws)


def between(
    first: tuple[Estimate, CaseTable],
    second: tuple[Estimate, CaseTable],
    ways: tuple[Sequence[tuple[Step, ...]], Sequence[tuple[Step, ...]]],
    what: str,
) -> dict[str, Any] | None:
    """Return the difference of the second replay's figures to the first's, over the same requests
    in the same order, a request.
    """
    (one, one_table), (two, two_table) = first, second
    known = (one.basis != Basis.UNKNOWN) & (two.basis != Basis.UNKNOWN)
    if not known.any():
        return None
    apart = known & np.array([a != b for a, b in zip(*ways, strict=True)], dtype=bool)
    squared = float(one.second[apart].sum() + two.second[apart].sum())
    squared += unvouched(one, one_table, what, apart) + unvouched(two, two_table, what, apart)
    return _document((two.value - one.value)[known], squared, min(one.draws, two.draws))


def _document(more: Vector, squared: float, draws: int) -> dict[str, Any]:
    mean, reach = float(more.mean()), half_width(squared, draws) / len(more)
    return {
        "mean": mean,
        "low": mean - reach,
        "high": mean + reach,
        "requests": len(more),
    }
