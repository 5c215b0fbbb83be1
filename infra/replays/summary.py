"""Summary of a run: moves, projections and real outcomes, in one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from infra.replays.recorded_rows import RunRows
from streams.offline.replay.estimates.comparison import difference
from streams.offline.replay.estimates.projection import project
from streams.offline.replay.estimates.table import table_of


def summary_of(run: RunRows) -> dict[str, Any]:
    """Return the run's figures: money in nano-USD a request, quality 0..1."""
    requests = len(run.places)
    if not requests:
        return {"requests": 0}
    table = table_of(run.cases)
    projection, estimated = project(table, run.ways)
    was_cost, was_score = _floats(run.was_cost), _floats(run.was_score)
    return {
        "requests": requests,
        "same": sum(run.same),
        "how": dict(Counter(run.how)),
        "tier_moves": _moves([(old, new) for old, new, _, _ in run.moves]),
        "model_moves": _moves([(old, new) for _, _, old, new in run.moves]),
        "projected": projection.as_document(),
        "was": {
            "cost_nano": _mean(was_cost),
            "quality": _mean(was_score),
            "scored": int((~np.isnan(was_score)).sum()),
        },
        "change": {
            "cost_nano": difference(estimated.cost, was_cost, table, "cost"),
            "quality": difference(estimated.quality, was_score, table, "score"),
        },
        "unscored_draws": {
            name: columns.unscored for name, columns in table.models.items() if columns.unscored
        },
    }


def _moves(pairs: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    counted = Counter(pairs)
    return [
        {"from": old, "to": new, "requests": count}
        for (old, new), count in sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    ]


def _floats(values: Sequence[float | None]) -> Any:
    return np.array([np.nan if each is None else float(each) for each in values], np.float64)


def _mean(values: Any) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
