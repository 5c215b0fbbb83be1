"""Comparison of two runs, over the requests that both replayed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from infra.replays.factory import ReplayComponents, run_of
from infra.replays.recorded_rows import RunRows
from infra.replays.target_version import of_run
from infra.replays.whole import rows_stored
from schemas.errors import SluiceError
from streams.offline.replay.estimates.comparison import between
from streams.offline.replay.estimates.projection import project
from streams.offline.replay.estimates.table import table_of


class NothingInCommonError(SluiceError):
    """Two runs have no request in common."""


def compared(parts: ReplayComponents, first: str, second: str) -> dict[str, Any]:
    """Return the differences of the second run; money in nano-USD a request, quality 0..1.

    Raises:
        UnknownRunError: one of them does not exist.
        NothingInCommonError: no request is in both.
    """
    sides = [_side(parts, run_id) for run_id in (first, second)]
    common = sorted(set(sides[0].places) & set(sides[1].places))
    if not common:
        raise NothingInCommonError(
            f"runs {first} and {second} have no common request; replay the same range twice"
        )
    one, two = (_only(side, common) for side in sides)
    tables = [table_of(side.cases) for side in (one, two)]
    projected = [project(table, side.ways) for table, side in zip(tables, (one, two), strict=True)]
    starts = Counter((old[1], new[1]) for old, new in zip(one.moves, two.moves, strict=True))
    ways = (one.ways, two.ways)
    return {
        "first": first,
        "second": second,
        "requests": len(common),
        "otherwise": sum(a != b for a, b in zip(one.ways, two.ways, strict=True)),
        "tier_moves": [
            {"from": old, "to": new, "requests": count}
            for (old, new), count in sorted(starts.items(), key=lambda each: (-each[1], each[0]))
        ],
        "projected": [each[0].as_document() for each in projected],
        "change": {
            "cost_nano": between(
                (projected[0][1].cost, tables[0]), (projected[1][1].cost, tables[1]), ways, "cost"
            ),
            "quality": between(
                (projected[0][1].quality, tables[0]),
                (projected[1][1].quality, tables[1]),
                ways,
                "score",
            ),
        },
    }


def _side(parts: ReplayComponents, run_id: str) -> RunRows:
    run = run_of(parts, run_id)
    snapshot = of_run(parts.history, run["spec"]["registry"])
    return rows_stored(parts, run_id, snapshot)


def _only(run: RunRows, places: list[tuple[str, int, int]]) -> RunRows:
    at = {place: number for number, place in enumerate(run.places)}
    kept = [at[place] for place in places]
    return RunRows(
        **{name: [getattr(run, name)[number] for number in kept] for name in run.__slots__}
    )
