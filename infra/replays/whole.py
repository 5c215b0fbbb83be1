"""A complete run: existing rows, the missing rest, and its summary from the tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from infra.replays.factory import (
    ReplayComponents,
    close_run,
    earlier,
    open_run,
    until_stored,
)
from infra.replays.processes import ReplayShare, work_together
from infra.replays.ranges import check_size
from infra.replays.recorded_rows import RunRows, rows_of_run
from infra.replays.summary import summary_of
from infra.replays.target_version import Origin
from streams.offline.replay.run_spec import RunSpec
from streams.providers.pricing.price_list import PriceBook
from streams.registry.version import RegistryVersion
from streams.routing.snapshot import RegistrySnapshot


def replay_all(
    parts: ReplayComponents,
    spec: RunSpec,
    version: RegistryVersion,
    gone: Sequence[dict[str, Any]],
    *,
    origin: Origin,
    processes: int,
    tick: Callable[[], None],
) -> dict[str, Any]:
    """Run what is missing of a run; return its document.

    Raises:
        RequestLogUnavailableError, DeliveryError: Kafka does not respond.
        SinkError: ClickHouse does not respond, or has not stored the run yet.
        TooManyRequestsError: the run is too large for a summary.
    """
    check_size(parts, spec)
    run_id = spec.run_id
    before = earlier(parts, run_id)
    if not before.is_open:
        open_run(parts, spec, version, gone=list(gone))
    share = ReplayShare(
        spec=spec,
        pieces=tuple(spec.pieces),
        done=before.done,
        origin=origin,
    )
    begun = time.monotonic()
    tally = work_together(parts, share, version, processes, tick)
    seconds = time.monotonic() - begun
    tally.gone = sum(each["requests"] for each in gone)
    until_stored(parts, run_id, tally.decided + tally.before)
    summary = summary_of(rows_stored(parts, run_id, version.snapshot))
    close_run(parts, run_id, tally, summary)
    return {
        "run": run_id,
        "registry": version.hash,
        "spec": spec.as_document(),
        "gone": list(gone),
        "tally": tally.as_document(),
        "seconds": round(seconds, 3),
        **summary,
    }


def rows_stored(parts: ReplayComponents, run_id: str, snapshot: RegistrySnapshot) -> RunRows:
    """Return a run's rows from the tables, with the observed answers."""
    rows = list(parts.tables.rows("rows", run=run_id))
    times = [row["asked_at"] for row in rows]
    seen = (
        parts.tables.rows("seen", run=run_id, since=min(times), until=max(times)) if times else ()
    )
    return rows_of_run(rows, seen, snapshot, PriceBook())
