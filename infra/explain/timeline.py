"""The timeline of a request: its data, and its events in order. Pure.

Built from stored rows alone; times are ms since the request was written. Duplicates after a crash
are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from infra.explain.calls import calls_cost, causes_of, failure_in_words
from infra.explain.decision import decided, hop_steps
from infra.explain.recorded import Entry, as_text, read_inputs
from schemas.encoding.json_bounds import read_writable
from schemas.events import CONFIDENCE, FEEDBACK
from schemas.records import UNDECIDED
from sinks.analytics.one_request import RequestRows, Row
from streams.routing.decision_trace import AnswerStep

_BEGINS = "started"
_LAST_HOP = 1_000
"""Events of the whole request come after its hops."""

_AFTERWARDS = frozenset({FEEDBACK, "golden"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTimeline:
    """One request.

    `status` is its terminal status, `None` while it is running; `cost` and `baseline` are USD,
    `None` if unknown; `shares` splits the cost by purpose; `latency_ms` is from its append to its
    reply.
    """

    tenant: str
    request_id: str
    about: Mapping[str, str]
    asked_at: datetime
    source: str
    status: str | None
    error: str
    tier: str
    model: str
    provider: str
    confidence: float | None
    degraded: bool
    latency_ms: float | None
    cost: Decimal | None
    unknown_calls: int
    shares: Mapping[str, Decimal]
    baseline_model: str
    baseline: Decimal | None
    entries: tuple[Entry, ...]
    prompt: str = ""
    answer: str = ""
    others: int = 0
    registries: tuple[str, ...] = field(default=())


def timeline_of(rows: RequestRows) -> RequestTimeline:
    """Build the timeline of a request with at least one stored journal record."""
    journal = [row for row in rows.journal if not row["repeat"]]
    final = next((row for row in journal if row["final"]), None)
    last = final or journal[-1]
    decision = next((row for row in reversed(journal) if row["classifier"]), None)
    begun: datetime = journal[0]["requested_at"]
    money = calls_cost(rows.calls)
    entries = sorted(
        _entries(rows, journal, decision, begun), key=lambda each: (each.at_ms, each.hop, each.rank)
    )
    return RequestTimeline(
        tenant=last["tenant"],
        request_id=last["request_id"],
        about=_about(last, decision),
        asked_at=begun,
        source=f"{last['source_topic']}:{last['source_partition']}:{last['source_offset']}",
        status=final["kind"] if final else None,
        error=_error(final),
        tier=last["tier"],
        model=final["answer_model"] if final else "",
        provider=final["answer_provider"] if final else "",
        confidence=final["confidence"] if final else None,
        degraded=bool(final and final["degraded"]),
        latency_ms=final["latency_ms"] if final else None,
        cost=money.known,
        unknown_calls=money.unknown,
        shares=money.by_purpose,
        baseline_model=last["baseline_model"],
        baseline=final["baseline_cost"] if final else None,
        entries=tuple(entries),
        prompt=last["prompt"],
        answer=last["answer"],
        others=rows.others,
        registries=tuple(sorted({row["registry_version"] for row in journal} - {""})),
    )


def _about(last: Row, decision: Row | None) -> dict[str, str]:
    known = {
        "feature": last["feature"],
        "user": last["user_id"],
        "user tier": last["user_tier"],
        "quality": last["quality"],
    }
    if decision is not None and decision["experiment"]:
        known["experiment"] = f"{decision['experiment']}, arm {decision['arm']}"
    return {name: value for name, value in known.items() if value}


def _error(final: Row | None) -> str:
    if final is None or not final["error_code"]:
        return ""
    again = "; retryable" if final["error_retryable"] else ""
    return f"{final['error_code']}: {final['error_message']}{again}"


def _entries(
    rows: RequestRows, journal: list[Row], decision: Row | None, begun: datetime
) -> Iterator[Entry]:
    inputs = read_inputs(decision["decision_inputs"] if decision else "")
    if decision is not None and decision["classifier"] != UNDECIDED:
        yield decided(decision, inputs.classify)
    for text in inputs.odd:
        yield Entry(at_ms=0.0, hop=0, rank=1, kind="step", title=f"recorded as: {text}")
    calls = {row["call_id"]: row for row in rows.calls}
    yield from hop_steps(inputs.hops, calls, begun)
    causes = causes_of(inputs.hops)
    for row in rows.calls:
        if not row["repeat"]:
            yield _call(row, begun, causes.get(row["call_id"]))
    for row in journal:
        if row["kind"] != _BEGINS:
            yield _end(row, begun)
    weighed = {
        step.known.call
        for hop in inputs.hops
        for step in hop.steps
        if isinstance(step.known, AnswerStep)
    }
    for row in rows.signals:
        if row["signal"] != CONFIDENCE or row["call_id"] not in weighed:
            yield _signal(row, begun)


def since(begun: datetime, at: datetime) -> float:
    """Return the time since the request's append, ms."""
    return (at - begun).total_seconds() * 1000


def _call(row: Row, begun: datetime, cause: str | None) -> Entry:
    spoken = [f"{row['input_tokens']} tokens in", f"{row['output_tokens']} out"]
    if row["cache_read_tokens"]:
        spoken.append(f"{row['cache_read_tokens']} from the cache")
    details = [] if row["input_tokens"] is None else [", ".join(spoken)]
    if row["status"] != "ok":
        details.append(failure_in_words(row["status"], row["http_status"], cause))
    if row["propensity"] is not None:
        details.append(f"drawn with probability {row['propensity']:g}")
    if row["late"]:
        details.append("its worker had lost the partition")
    began = row["started_at"] or row["at"]
    return Entry(
        at_ms=since(begun, began),
        hop=row["hop"],
        rank=2,
        kind="call",
        title=f"{row['purpose']}: {row['request_model']}/{row['instance']} {row['status']}",
        details=tuple(details),
        took_ms=row["latency_ms"],
        cost=row["cost"],
        costs=True,
    )


def _end(row: Row, begun: datetime) -> Entry:
    words = {
        "escalated": f"hop {row['hop']} on {row['tier']} escalates to {row['next_tier']}",
        "parked": f"hop {row['hop']} on {row['tier']} waits for capacity",
    }
    on_tier = "" if row["classifier"] == UNDECIDED else f" on {row['tier']}"
    title = words.get(row["kind"], f"{row['kind']}{on_tier}")
    details = ("the reply could not be delivered to its topic",) if row["undeliverable"] else ()
    return Entry(
        at_ms=since(begun, row["at"]),
        hop=row["hop"],
        rank=4,
        kind=row["kind"],
        title=title,
        details=details,
    )


def _signal(row: Row, begun: datetime) -> Entry:
    score = "" if row["score"] is None else f" {row['score']:.2f}"
    verdict = {None: "", True: ", passed", False: ", not passed"}[row["passed"]]
    details = tuple(text for text in (row["label"], row["comment"]) if text)
    if row["detail"]:
        details = (*details, *_parts(row["detail"]))
    of = f" of {row['request_model']}" if row["request_model"] else ""
    return Entry(
        at_ms=since(begun, row["at"]),
        hop=_LAST_HOP if row["hop"] is None else row["hop"],
        rank=5 if row["signal"] in _AFTERWARDS else 3,
        kind=row["signal"],
        title=f"{row['signal']} ({row['name']}){of}:{score}{verdict}",
        details=details,
    )


def _parts(detail: str) -> Iterator[str]:
    try:
        found = read_writable(detail)
    except orjson.JSONDecodeError:
        yield as_text(detail)
        return
    if isinstance(found, dict) and found:
        yield ", ".join(f"{name} {_figure(value)}" for name, value in sorted(found.items()))


def _figure(value: Any) -> str:
    return f"{value + 0.0:+.2f}" if isinstance(value, float) else str(value)
