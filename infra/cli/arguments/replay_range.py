"""The log range of `sluice replay run`, and its deleted part."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from infra.replays.factory import ReplayComponents
from infra.replays.ranges import NothingToReplayError, deleted_before, deleted_of, left_of
from streams.offline.replay.run_spec import OffsetSpan


def named_spans(offsets: tuple[str, ...]) -> tuple[OffsetSpan, ...]:
    """Parse the given offsets, in order.

    Raises:
        UsageError: one is malformed.
    """
    found = []
    for text in offsets:
        topic, _, rest = text.partition(":")
        partition, _, span = rest.partition(":")
        first, sign, end = span.partition("-")
        if not (topic and partition.isdigit() and sign and first.isdigit() and end.isdigit()):
            raise click.UsageError(f"--offsets expects TOPIC:PARTITION:FIRST-END, not {text}")
        found.append(
            OffsetSpan(topic=topic, partition=int(partition), first=int(first), end=int(end))
        )
    return tuple(sorted(found))


def lost_of(
    parts: ReplayComponents,
    spans: tuple[OffsetSpan, ...],
    between: tuple[datetime, datetime],
    wanted: tuple[str | None, str | None],
    *,
    timed: bool,
) -> list[dict[str, Any]]:
    """Return the deleted part of the range, a row per partition; `timed` means a time range.

    Raises:
        NothingToReplayError: the log has nothing left of the range, or the range was always empty.
    """
    gone = deleted_before(parts, between, wanted) if timed else deleted_of(parts, spans, wanted)
    if not any(left_of(parts, span).count for span in spans):
        lost = sum(each["requests"] for each in gone)
        raise NothingToReplayError(
            f"the range has no requests left: all {lost} were deleted from the log; the topic's "
            "retention is SLUICE_REPLAY_DAYS"
            if lost
            else "the range has no requests; give another --since, --until or --offsets"
        )
    return gone
