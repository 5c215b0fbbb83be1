"""Events of many requests at the cost of a few: encoded once, then given new ids.

A request that was answered at once produces four: a call, a signal, `started`, `replied`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Codec
from schemas.events import CostEvent, HopResult, OutcomeEvent, QualityEvent
from schemas.identity import identity_key
from schemas.journal_headers import CALL_ID, JournalHeaders
from schemas.records import Decision, Source
from schemas.topics import COST, OUTCOMES, QUALITY

EVENTS_A_REQUEST = 4
T0 = 1_767_225_600_000
TENANTS = ("acme", "globex", "initech")
TIERS = {"simple": "gpt-4o-mini", "moderate": "gpt-4o", "complex": "claude-opus-4-1"}

_REQUEST = "#" * 36
_CALL = "%" * 32
"""Stand for ids in what was encoded, and are as long."""

_CODECS = {
    COST: Codec("CostEvent"),
    QUALITY: Codec("QualityEvent"),
    OUTCOMES: Codec("OutcomeEvent"),
}

_OPENING_BYTES = 10
"""Mark and fingerprint of Avro's single-object encoding."""

Headers = list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One event as workers write it; the key is the request's identity."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers

    @property
    def event(self) -> bytes:
        """The value without its schema prefix."""
        return self.value[_OPENING_BYTES:]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Template:
    tenant: str
    events: tuple[tuple[str, bytes, Headers], ...]

    def records(self) -> Iterator[Record]:
        request, call = str(uuid.uuid4()).encode(), uuid.uuid4().hex.encode()
        key = identity_key(self.tenant, request.decode())
        for topic, value, headers in self.events:
            yield Record(
                topic=topic,
                key=key,
                value=value.replace(_REQUEST.encode(), request).replace(_CALL.encode(), call),
                headers=[(name, text.replace(_CALL.encode(), call)) for name, text in headers],
            )


def records(requests: int, distinct: int = 200) -> Iterator[Record]:
    """The events of this many requests, which differ in `distinct` ways besides their ids."""
    templates = [_template(number) for number in range(distinct)]
    for number in range(requests):
        yield from templates[number % distinct].records()


def producer(bootstrap: str) -> Producer:
    """A producer that spreads records as workers do."""
    return Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
            "log_level": 0,
        }
    )


def send(
    to: Producer, record: Record, on_delivery: Callable[[object, Any], None] | None = None
) -> None:
    """Produce a record, waiting while the producer's buffer is full."""
    while True:
        try:
            to.produce(
                record.topic,
                record.value,
                record.key,
                headers=list(record.headers),
                on_delivery=on_delivery,
            )
        except BufferError:
            to.poll(0.1)
        else:
            to.poll(0)
            return


def _template(number: int) -> _Template:
    tenant = TENANTS[number % len(TENANTS)]
    tier, model = list(TIERS.items())[number % len(TIERS)]
    at = T0 + number * 137_000
    who: dict[str, Any] = {
        "tenant": tenant,
        "request_id": _REQUEST,
        "user_id": f"user-{number % 50}",
        "user_tier": ("free", "pro")[number % 2],
        "feature": ("faq", "triage", None)[number % 3],
    }
    ran: dict[str, Any] = {"worker": f"worker-{number % 2 + 1}", "incarnation": "5f1c2f0e6a535d0c"}
    tokens: dict[str, Any] = {"input_tokens": 80 + number, "output_tokens": 40 + number % 300}
    registry = "73b060a53058b019"
    cost = CostEvent(
        **who, **ran, **tokens, hop=0, visit=0, call_id=_CALL, purpose="answer", at=at,
        started_at=at - 900, tier=tier, provider="openai", request_model=model,
        response_model=f"{model}-2024", instance="openai-1", status="ok", http_status=200,
        finish_reason="stop", cost_nano=8_700 * (number + 1), price_source="genai-prices",
        latency_ms=880.0 + number, registry_version=registry,
    )  # fmt: skip
    quality = QualityEvent(
        **who, hop=0, visit=0, call_id=_CALL, at=at, signal="cascade_confidence", name="checks",
        score=0.5 + number % 50 / 100, passed=True, detail='{"length":0.9,"hedges":1.0}',
        tier=tier, provider="openai", request_model=model, worker=ran["worker"],
        registry_version=registry,
    )  # fmt: skip
    base: dict[str, Any] = {
        **who, **ran, "hop": 0, "visit": 0, "tier": tier, "quality": "balanced", "call_id": _CALL,
        "source": Source(topic="llm.requests.v1", partition=0, offset=number, timestamp=at),
        "deadline_at": at + 600_000,
    }  # fmt: skip
    started = OutcomeEvent(
        **base, kind="started", final=False, at=at - 900, lease_until=at + 60_000,
        provider="openai", request_model=model, instance="openai-1",
    )  # fmt: skip
    replied = OutcomeEvent(
        **base, kind="replied", final=True, at=at,
        decision=Decision(
            classifier="rules", score=number % 100 / 100, tier=tier, model=None,
            reasons=("very short (-0.12)", "a short everyday question (-0.12)"),
            registry_version=registry, code_version="1",
            inputs='{"now":1700000000000,"time_left_ms":600000,"score":0.3}',
        ),
        result=HopResult(
            **tokens, model=model, provider="openai", tiers_tried=(tier,), calls=1,
            cost_nano=8_700 * (number + 1), baseline_model="claude-opus-4-1",
            baseline_cost_nano=870_000, confidence=0.9, finish_reason="stop",
            latency_ms=905.0 + number, provider_ms=880.0 + number, reply_topic="llm.replies.v1",
        ),
    )  # fmt: skip
    events = [
        (OUTCOMES, started, _journal(started)),
        (COST, cost, [(CALL_ID, _CALL.encode())]),
        (QUALITY, quality, []),
        (OUTCOMES, replied, _journal(replied)),
    ]
    return _Template(
        tenant=tenant,
        events=tuple(
            (topic, _CODECS[topic].encode(as_record(event)), headers)
            for topic, event, headers in events
        ),
    )


def _journal(event: OutcomeEvent) -> Headers:
    source = event.source
    return JournalHeaders(
        kind=event.kind,
        hop=event.hop,
        visit=event.visit,
        origin=f"{source.topic}:{source.partition}:{source.offset}",
        digest="0011223344556677",
        worker=event.worker,
        incarnation=event.incarnation,
        call_id=event.call_id,
        lease_until=event.lease_until,
    ).encode()
