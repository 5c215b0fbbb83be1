"""The values of the event topics: cost of a call, quality of an answer, outcome of a hop.

Fields, units and meanings are in `avro/*.avsc`. Times are integers, milliseconds since 1970 UTC.
Money is integer nano-USD. `None` is unknown, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import CountedUsage, Decision, Failure, RequestRecord, Source

CONFIDENCE, JUDGED, CONSISTENT, AGREES, FEEDBACK = (
    "cascade_confidence",
    "judge",
    "consistency",
    "agreement",
    "feedback",
)
"""Names of quality signals in quality events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostEvent(CountedUsage, RequestRecord):
    """One real provider call."""

    tenant: str
    request_id: str
    hop: int
    visit: int
    call_id: str
    purpose: str
    propensity: float | None = None
    at: int
    started_at: int | None
    tier: str | None
    provider: str
    request_model: str
    response_model: str | None = None
    instance: str | None = None
    status: str
    http_status: int | None = None
    finish_reason: str | None = None
    unknown_usage: tuple[str, ...] = ()
    cost_nano: int | None = None
    price_source: str | None = None
    latency_ms: float | None = None
    worker: str
    incarnation: str
    late: bool = False
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    registry_version: str | None = None
    experiment: str | None = None
    arm: str | None = None
    expected_nano: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityEvent(RequestRecord):
    """One quality signal of an answer; `score` is 0..1."""

    tenant: str
    request_id: str
    hop: int | None = None
    visit: int | None = None
    call_id: str | None = None
    at: int
    signal: str
    name: str
    score: float | None = None
    passed: bool | None = None
    label: str | None = None
    comment: str | None = None
    detail: str | None = None
    tier: str | None = None
    provider: str | None = None
    request_model: str | None = None
    worker: str
    user_id: str | None = None
    user_tier: str | None = None
    feature: str | None = None
    registry_version: str | None = None
    experiment: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HopResult:
    """Result of a hop: source of the answer, cost and time so far."""

    model: str | None = None
    provider: str | None = None
    tiers_tried: tuple[str, ...] = ()
    calls: int = 0
    cost_nano: int | None = None
    baseline_model: str | None = None
    baseline_cost_nano: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    confidence: float | None = None
    degraded: bool = False
    finish_reason: str | None = None
    latency_ms: float
    provider_ms: float = 0.0
    fallbacks: int = 0
    reply_topic: str | None = None
    undeliverable: bool = False
    prompt: str | None = None
    answer: str | None = None
    answer_tier: str | None = None
    calls_ms: float | None = None
    waited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeEvent(RequestRecord):
    """One journal record: an event of a request's hop."""

    tenant: str
    request_id: str
    hop: int
    visit: int
    kind: str
    final: bool
    at: int
    worker: str
    incarnation: str
    source: Source
    call_id: str | None = None
    purpose: str | None = None
    lease_until: int | None = None
    tier: str
    next_tier: str | None = None
    provider: str | None = None
    request_model: str | None = None
    instance: str | None = None
    user_id: str | None
    user_tier: str | None
    feature: str | None
    quality: str
    deadline_at: int
    decision: Decision | None = None
    result: HopResult | None = None
    error: Failure | None = None
    expected_nano: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert that fired or was resolved; `message` says what to do."""

    rule: str
    subject: str
    state: str
    severity: str
    message: str
    at: int
    worker: str
    value: float | None = None
    threshold: float | None = None
