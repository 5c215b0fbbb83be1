"""The values that travel between the agents: a hop's work, what was decided, what was answered.

Fields, units and meanings stand in `avro/*.avsc` and, generated from there, in the docs; times are
integers, milliseconds since 1970 UTC, of the broker's clock; money is integer nano-USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.identity import identity_key
from schemas.journal_headers import Headers

BEFORE_HOPS = -1
"""Hop number of the calls that are made to classify a request."""

ANSWER, CLASSIFY, JUDGE, SHADOW = "answer", "classify", "judge", "shadow"
"""What a provider call is for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a caller's request lies in the log."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def place(self) -> str:
        """`topic:partition:offset`, as the journal names it."""
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a request was not answered; `message` quotes no input."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the router decided, and from what; `inputs` is canonical JSON."""

    classifier: str
    score: float | None
    tier: str
    model: str | None
    reasons: tuple[str, ...]
    registry_version: str
    code_version: str
    artifact: str | None = None
    experiment: str | None = None
    arm: str | None = None
    propensity: float | None = None
    inputs: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One provider call made for a request."""

    call_id: str
    hop: int
    tier: str
    model: str
    provider: str
    instance: str
    status: str
    purpose: str = ANSWER
    cost_nano: int | None
    latency_ms: float | None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as a model gave it; `message` is the OpenAI assistant message as JSON."""

    message: str
    model: str
    provider: str
    tier: str
    finish_reason: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A Kafka header that is echoed."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyAddress:
    """Where and how the reply to a request is sent."""

    topic: str
    partition: int | None
    key: bytes | None
    format: str
    headers: tuple[Header, ...]
    digest: str

    @property
    def kafka_headers(self) -> Headers:
        """The echoed headers as the producer takes them."""
        return [(header.name, header.value) for header in self.headers]


UNDECIDED = "none"
"""Classifier of a request that ended before it was decided: rejected, expired or failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TierMessage:
    """One hop's work: the request, what was decided, what was tried, the best answer so far."""

    tenant: str
    request_id: str
    source: Source
    hop: int
    visit: int
    tier: str
    body: bytes
    user_id: str | None
    user_tier: str | None
    feature: str | None
    quality: str
    retrieval_scores: tuple[float, ...] = ()
    retrieval_query_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    deadline_at: int
    reply_to: ReplyAddress
    decision: Decision
    verdict: Failure | None = None
    attempts: tuple[Attempt, ...] = ()
    tiers_tried: tuple[str, ...] = ()
    best: Answer | None = None

    @property
    def key(self) -> bytes:
        """The identity key, which places the message and its journal on one partition number."""
        return identity_key(self.tenant, self.request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyUsage:
    """Tokens of the answering call."""

    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """How a request was routed, as its sender is told."""

    classifier: str
    score: float | None
    reasons: tuple[str, ...]
    registry_version: str
    experiment: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a sender hears; `status` is one of the four terminal outcomes."""

    request_id: str
    status: str
    tenant: str | None = None
    message: str | None = None
    model: str | None = None
    provider: str | None = None
    tier: str | None = None
    tiers_tried: tuple[str, ...] = ()
    confidence: float | None = None
    degraded: bool = False
    finish_reason: str | None = None
    usage: ReplyUsage | None = None
    cost_nano: int | None = None
    baseline_cost_nano: int | None = None
    latency_ms: float
    routing: Routing | None = None
    error: Failure | None = None
