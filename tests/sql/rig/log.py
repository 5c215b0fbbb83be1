"""A log in memory for the sink: records as Kafka delivers them, and their path into a store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.encoding.codec import Codec
from schemas.identity import identity_key
from schemas.journal_headers import CALL_ID, TERMINAL, JournalHeaders
from schemas.topics import COST, OUTCOMES, QUALITY
from sinks.clickhouse.store import Store
from sinks.clock import SystemClock
from sinks.ingest.partition_writer import PartitionWriter
from sinks.rows.batch import BatchLimits
from sinks.rows.dedup import SeenWindow
from sinks.rows.log_position import Place
from sinks.rows.row_reader import reader_of
from sinks.rows.tables import table_of
from sinks.status import SinkStatus

T0 = 1_767_225_600_000
"""2026-01-01 00:00 UTC, ms."""

CODECS = {COST: Codec("CostEvent"), QUALITY: Codec("QualityEvent"), OUTCOMES: Codec("OutcomeEvent")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A Kafka record as the sink sees it."""

    offset: int
    timestamp: int = T0
    key: bytes | None = None
    value: bytes | None = b""
    headers: Sequence[tuple[str, bytes]] = field(default_factory=tuple)


def cost_event(call_id: str = "call-1", **fields: Any) -> dict[str, Any]:
    """A cost event; omitted fields have the schema's minimum."""
    least = {
        "tenant": "acme", "request_id": "r1", "hop": 0, "visit": 0, "call_id": call_id,
        "purpose": "answer", "at": T0, "started_at": None, "tier": "simple", "provider": "openai",
        "request_model": "small", "status": "ok", "worker": "w1", "incarnation": "i1",
        "late": False,
    }  # fmt: skip
    return least | fields


def quality_event(**fields: Any) -> dict[str, Any]:
    """A quality event."""
    least = {
        "tenant": "acme", "request_id": "r1", "at": T0, "signal": "feedback", "name": "score",
        "worker": "w1",
    }  # fmt: skip
    return least | fields


def outcome_event(kind: str = "replied", **fields: Any) -> dict[str, Any]:
    """A journal record; given parts of `result` and `decision` override minimal ones."""
    least = {
        "tenant": "acme", "request_id": "r1", "hop": 0, "visit": 0, "kind": kind,
        "final": kind in TERMINAL, "at": T0, "worker": "w1", "incarnation": "i1",
        "source": {"topic": "llm.requests.v1", "partition": 0, "offset": 0, "timestamp": T0},
        "tier": "simple", "quality": "balanced", "deadline_at": T0 + 600_000,
    }  # fmt: skip
    if "result" in fields and fields["result"] is not None:
        fields["result"] = _RESULT | fields["result"]
    if "decision" in fields and fields["decision"] is not None:
        fields["decision"] = _DECISION | fields["decision"]
    return least | fields


_RESULT: dict[str, Any] = {
    "tiers_tried": ["simple"], "calls": 1, "degraded": False, "latency_ms": 100.0,
    "provider_ms": 80.0, "fallbacks": 0, "undeliverable": False,
}  # fmt: skip
_DECISION: dict[str, Any] = {
    "classifier": "rules", "score": None, "tier": "simple", "model": None, "reasons": [],
    "registry_version": "v1", "code_version": "c1", "inputs": "{}",
}  # fmt: skip


def on_log(topic: str, events: Sequence[dict[str, Any]], first: int = 0) -> list[Record]:
    """Events as records with the key and headers that workers set; broker time is `at`."""
    return [
        Record(
            offset=first + index,
            timestamp=event["at"],
            key=identity_key(event["tenant"], event["request_id"]),
            value=CODECS[topic].encode(event),
            headers=_headers(topic, event),
        )
        for index, event in enumerate(events)
    ]


def _headers(topic: str, event: dict[str, Any]) -> list[tuple[str, bytes]]:
    if topic == COST:
        return [(CALL_ID, event["call_id"].encode())]
    if topic == OUTCOMES:
        return JournalHeaders(
            kind=event["kind"],
            hop=event["hop"],
            visit=event["visit"],
            origin="llm.requests.v1:0:0",
            digest="d",
            worker=event["worker"],
            incarnation=event["incarnation"],
        ).encode()
    return []


async def store_records(
    store: Store,
    place: Place,
    records: Sequence[Record],
    limits: BatchLimits | None = None,
    careful_until: int = -1,
) -> None:
    """Take a partition over and write these records to their end."""
    claim = (await store.claim([place]))[place]
    stored = (await store.stored([place])).get(place, -1)
    window = SeenWindow()
    window.fill(await store.counted(place, table_of(place.topic)))
    writer = PartitionWriter(
        claim,
        reader_of(place.topic),
        window,
        store,
        limits=limits or BatchLimits(),
        clock=SystemClock(),
        status=SinkStatus(instance="test"),
        stored_to=stored + 1,
        careful_until=careful_until,
    )
    writer.offer(records)
    writer.close()
    await writer.run()
