"""Offsets of a time range, and the part that the log has lost.

Retention deletes from the start of a partition: the tables alone have the requests there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from infra.replays.factory import ReplayComponents
from schemas.errors import SluiceError
from streams.offline.replay.run_spec import OffsetSpan, RunSpec

_MOST_MS = 253_402_300_799_000
"""The last time that ClickHouse represents safely."""


class NothingToReplayError(SluiceError):
    """The range holds no request; the message has the existing range."""


def spans_between(
    parts: ReplayComponents, since: datetime, until: datetime
) -> tuple[OffsetSpan, ...]:
    """Return the offsets of all request topics in this time.

    Raises:
        RequestLogUnavailableError: Kafka does not respond.
        NoTopicError: a request topic is missing.
    """
    found = parts.log.spans(
        parts.settings.request_topic_names, _milliseconds(since), _milliseconds(until)
    )
    return tuple(span for span in found if span.count)


RequestFilter = tuple[str | None, str | None]
"""Tenant and feature filter."""


def deleted_before(
    parts: ReplayComponents, between: tuple[datetime, datetime], wanted: RequestFilter
) -> list[dict[str, Any]]:
    """Return requests of the range that the tables have and the log has deleted, one row per
    partition: `topic, partition, requests, first_at, last_at` (ms). A sample is not applied to
    them.
    """
    topics = parts.settings.request_topic_names
    lows = [parts.log.held(span) for span in parts.log.spans(topics, 0, 1)]
    since, until = map(_milliseconds, between)
    deleted = [replace(low, first=0, end=low.first) for low in lows]
    return _deleted_requests(parts, deleted, (since, until), wanted)


def deleted_of(
    parts: ReplayComponents, spans: Sequence[OffsetSpan], wanted: RequestFilter
) -> list[dict[str, Any]]:
    """Return the same for these offsets."""
    cut = [replace(span, end=min(span.end, parts.log.held(span).first)) for span in spans]
    return _deleted_requests(parts, cut, (0, _MOST_MS), wanted)


MOST_REQUESTS = 1_000_000
"""Requests of one run: its summary holds all of them in memory, 4 KiB each (measured)."""


class TooManyRequestsError(SluiceError):
    """A run has too many requests for one summary."""


def check_size(parts: ReplayComponents, spec: RunSpec) -> None:
    """Refuse a run that is too large for a summary, before any work.

    Raises:
        TooManyRequestsError: it has more than `MOST_REQUESTS` requests.
    """
    # Fewer offsets than the limit: the tables need no query.
    if spec.offsets * spec.sample <= MOST_REQUESTS:
        return
    known = _deleted_requests(parts, spec.spans, (0, _MOST_MS), (spec.tenant, spec.feature))
    requests = sum(each["requests"] for each in known)
    if requests * spec.sample > MOST_REQUESTS:
        share = MOST_REQUESTS / requests
        raise TooManyRequestsError(
            f"the range has {requests:,} requests, the limit of a run is {MOST_REQUESTS:,}; narrow "
            f"it, or draw a sample: --sample {int(share * 1000) / 1000:g}"
        )


def left_of(parts: ReplayComponents, span: OffsetSpan) -> OffsetSpan:
    """Return the part of a span that the log still holds."""
    held = parts.log.held(span)
    first = max(span.first, held.first)
    return replace(span, first=first, end=max(min(span.end, held.end), first))


def _deleted_requests(
    parts: ReplayComponents,
    spans: Sequence[OffsetSpan],
    times: tuple[int, int],
    wanted: RequestFilter,
) -> list[dict[str, Any]]:
    return [
        {"topic": span.topic, "partition": span.partition, **row}
        for span in spans
        if span.count
        for row in parts.tables.rows(
            "gone", topic=span.topic, partition=span.partition, first=span.first, end=span.end,
            since=times[0], until=times[1], tenant=wanted[0] or "", feature=wanted[1] or "",
        )
    ]  # fmt: skip


def _milliseconds(time_: datetime) -> int:
    return int(time_.astimezone(UTC).timestamp() * 1000)
