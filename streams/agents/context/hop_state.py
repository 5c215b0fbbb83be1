"""State of one hop in work: its message, its attempts, its pending records."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.clock import Clock
from core.codecs import Codecs
from core.kafka.producer import Delivered, Outgoing
from schemas.encoding.avro_mapping import as_record
from schemas.events import OutcomeEvent
from schemas.journal_headers import TERMINAL, JournalHeaders, JournalKind
from schemas.records import BEFORE_HOPS, Answer, Attempt, TierMessage
from schemas.topics import OUTCOMES
from streams.agents.context.tier_records import PRIORITY_QUALITY
from streams.flow.dispatcher import Work
from streams.journal.partition_journal import Owner
from streams.routing.budgets import Downgrade, Rejected
from streams.routing.decision_trace import Step
from streams.routing.features.request_features import estimate_tokens
from streams.routing.snapshot import RegistrySnapshot
from streams.tracing.context import TraceContext


@dataclass(slots=True, kw_only=True)
class HopState:
    """A hop in work, under the registry version at its start.

    `pending` are published records that must be acknowledged before the outcome. `steps` is the
    trace for replays and `explain`. `answers` are those of this hop. `denied` is the decisive
    budget verdict if budgets leave no candidate. `trace` is the parent span of the calls, if the
    request is traced. The work of classify before hop 0 has the hop number `BEFORE_HOPS` and is no
    hop.
    """

    work: Work
    message: TierMessage
    snapshot: RegistrySnapshot
    body: Mapping[str, Any]
    attempts: list[Attempt] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    pending: list[Awaitable[Delivered]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    lease_until: int = 0
    denied: Downgrade | Rejected | None = None
    provider_ms: float = 0.0
    trace: TraceContext | None = None
    _context_tokens: int | None = None

    @property
    def has_priority(self) -> bool:
        """Return whether the hop has priority: it comes from its tier's priority topic."""
        return self.message.quality == PRIORITY_QUALITY

    @property
    def context_tokens(self) -> int:
        """Return the estimated input tokens of the body, computed once."""
        if self._context_tokens is None:
            self._context_tokens = estimate_tokens(self.body)
        return self._context_tokens

    @property
    def partition(self) -> int | None:
        """Return the partition number of the hop and of its journal; `None` before hop 0, where the
        producer derives it from the key.
        """
        return None if self.message.hop == BEFORE_HOPS else self.work.message.partition

    @property
    def all_attempts(self) -> tuple[Attempt, ...]:
        """Return every call of the request so far, oldest first."""
        return (*self.message.attempts, *self.attempts)

    def time_left_ms(self, now: int) -> float:
        """Return the time until the request's deadline, ms."""
        return float(self.message.deadline_at - now)

    def may_publish(self, now: int) -> bool:
        """Return whether this worker may still end the hop: it owns the partition or the lease."""
        return not self.work.lost or now < self.lease_until

    def journal_headers(self, kind: JournalKind, me: Owner, **more: Any) -> JournalHeaders:
        """Return the headers of a journal record of this hop."""
        return JournalHeaders(
            kind=kind,
            hop=self.message.hop,
            visit=self.message.visit,
            origin=self.message.source.place,
            digest=self.message.reply_to.digest,
            worker=me.worker,
            incarnation=me.incarnation,
            **more,
        )

    def outcome(self, kind: JournalKind, clock: Clock, me: Owner, **more: Any) -> OutcomeEvent:
        """Return a journal record of this hop; `more` are the fields that its kind sets."""
        message = self.message
        return OutcomeEvent(
            tenant=message.tenant,
            request_id=message.request_id,
            hop=message.hop,
            visit=message.visit,
            kind=kind,
            final=kind in TERMINAL,
            at=clock.now(),
            worker=me.worker,
            incarnation=me.incarnation,
            source=message.source,
            tier=message.tier,
            user_id=message.user_id,
            user_tier=message.user_tier,
            feature=message.feature,
            quality=message.quality,
            deadline_at=message.deadline_at,
            **more,
        )

    def journal_record(
        self, event: OutcomeEvent, headers: JournalHeaders, codecs: Codecs
    ) -> Outgoing:
        """Return a journal record on the partition of the hop's work."""
        return Outgoing(
            topic=OUTCOMES,
            key=self.message.key,
            value=codecs.outcome.encode(as_record(event)),
            headers=headers.encode(),
            partition=self.partition,
        )
