"""The values exchanged by the agents: tier messages, decisions, answers and replies.

Fields, units and meanings are in `avro/*.avsc` and in the generated docs. Times are integers,
milliseconds since 1970 UTC, of the broker's clock. Money is integer nano-USD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.identity import identity_key
from schemas.journal_headers import Headers

BEFORE_HOPS = -1
"""Hop number of classification calls."""

ANSWER, CLASSIFY, JUDGE, SHADOW = "answer", "classify", "judge", "shadow"
"""Purposes of a provider call."""

CANCELLED = "cancelled"
"""Code of a request that its caller cancelled, and of the message that asks for it."""

NANO = 1_000_000_000
"""Nano-USD of a USD."""

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Position of a caller's request in the log."""

    topic: str
    partition: int
    offset: int
    timestamp: int

    @property
    def place(self) -> str:
        """Return `topic:partition:offset`, as in the journal."""
        return f"{self.topic}:{self.partition}:{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Reason why a request was not answered; `message` quotes no input."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A routing decision and its inputs; `inputs` is canonical JSON."""

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
    """One provider call for a request."""

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
    """A model's answer; `message` is the OpenAI assistant message as JSON, `logprobs` OpenAI's
    probabilities as JSON.
    """

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
    call_id: str | None = None
    stop_sequence: str | None = None
    logprobs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A Kafka header that is returned to the caller."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyAddress:
    """Destination and headers of a reply."""

    topic: str
    partition: int | None
    key: bytes | None
    format: str
    headers: tuple[Header, ...]
    digest: str

    @property
    def kafka_headers(self) -> Headers:
        """Return the headers for the producer."""
        return [(header.name, header.value) for header in self.headers]


UNDECIDED = "none"
"""Classifier of a request that ended before a decision: rejected, expired or failed."""


class RequestRecord:
    """A record of one request; its key is the same on all topics, and so is its partition."""

    __slots__ = ()
    tenant: str
    request_id: str

    @property
    def key(self) -> bytes:
        """Return the identity key."""
        return identity_key(self.tenant, self.request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class TierMessage(RequestRecord):
    """The work of one hop: the request, the decision, past attempts and the best answer so far."""

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
    stream: bool = False
    decision: Decision
    verdict: Failure | None = None
    attempts: tuple[Attempt, ...] = ()
    tiers_tried: tuple[str, ...] = ()
    best: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUsage:
    """Usage counted by a provider, in its answer and in a cost event; `None` if not reported.

    `input_tokens` includes cached and audio tokens, `output_tokens` includes reasoning and audio
    tokens, `cache_write_tokens` includes those cached for an hour. `web_searches` counts searches
    by the provider. `service_tier`, `speed` and `geography` are the provider's names for the
    billing basis of the call, `None` for its standard ones.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    web_searches: int | None = None
    service_tier: str | None = None
    speed: str | None = None
    geography: str | None = None


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
    """Routing summary of a request for its caller."""

    classifier: str
    score: float | None
    reasons: tuple[str, ...]
    registry_version: str
    experiment: str | None = None
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply to a caller; `status` is one of the four terminal outcomes."""

    request_id: str
    status: str
    tenant: str | None = None
    message: str | None = None
    model: str | None = None
    provider: str | None = None
    call_id: str | None = None
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
    stop_sequence: str | None = None
    logprobs: str | None = None
