"""Which part of the log `sluice replay run` is asked about, and what of it the log lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from infra.replays.factory import ReplayComponents
from infra.replays.ranges import NothingToReplayError, gone_before, gone_of, left_of
from streams.offline.replay.run_spec import OffsetSpan


def named_spans(offsets: tuple[str, ...]) -> tuple[OffsetSpan, ...]:
    """Offsets as they are given, in order.

    Raises:
        UsageError: one is malformed.
    """
    found = []
    for text in offsets:
        topic, _, rest = text.partition(":")
        partition, _, span = rest.partition(":")
        first, sign, end = span.partition("-")
        if not (topic and partition.isdigit() and sign and first.isdigit() and end.isdigit()):
            raise click.UsageError(f"--offsets is TOPIC:PARTITION:FIRST-END, not {text}")
        found.append(
            OffsetSpan(topic=topic, partition=int(partition), first=int(first), end=int(end))
        )
    return tuple(sorted(found))


def lost_of(
    parts: ReplayComponents,
    spans: tuple[OffsetSpan, ...],
    between: tuple[datetime, datetime],
    whose: tuple[str | None, str | None],
    *,
    timed: bool,
) -> list[dict[str, Any]]:
    """What the log lost of the range, a row a partition; `timed`: the range is one of time.

    Raises:
        NothingToReplayError: it has nothing of it any more, or there never was anything.
    """
    gone = gone_before(parts, between, whose) if timed else gone_of(parts, spans, whose)
    if not any(left_of(parts, span).count for span in spans):
        lost = sum(each["requests"] for each in gone)
        raise NothingToReplayError(
            f"the range holds no request any more: the log lost all {lost} of it; the topic's "
            "retention is SLUICE_REPLAY_DAYS"
            if lost
            else "the range holds no request; give another --since, --until or --offsets"
        )
    return gone
