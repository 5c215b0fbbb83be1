"""Scored answers from the query `labels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.labels.request_log import LogPlace

TRUST = ("golden", "feedback", "judge")
"""Signals used as labels, most trusted first."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRequest:
    """One request: `requested_at` is broker time, ms; `place` is its position in the log."""

    tenant: str
    request_id: str
    requested_at: int
    place: LogPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer:
    """One model's answer to a request, with a score 0..1 of the most trusted signal.

    `propensity` is the probability of its shadow call, `None` for other calls; `prompt` is empty if
    the tables have none.
    """

    request: AskedRequest
    tier: str
    model: str
    signal: str
    score: float
    propensity: float | None
    prompt: str


def judged_answers(rows: Sequence[Mapping[str, Any]]) -> list[JudgedAnswer]:
    """Convert rows of the query, by column name, to values."""
    return [
        JudgedAnswer(
            request=AskedRequest(
                tenant=row["tenant"],
                request_id=row["request_id"],
                requested_at=_milliseconds(row["requested_at"]),
                place=LogPlace(
                    topic=row["topic"], partition=row["partition"], offset=row["offset"]
                ),
            ),
            tier=row["tier"],
            model=row["model"],
            signal=row["signal"],
            score=float(row["score"]),
            propensity=row["propensity"],
            prompt=row["prompt"],
        )
        for row in rows
    ]


def _milliseconds(time: datetime) -> int:
    return (time - _EPOCH) // timedelta(milliseconds=1)
