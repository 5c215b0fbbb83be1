"""One hop while it is worked on: what came in, what was tried, what is on its way out."""

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
    """A hop in work, under the registry version that was current when it opened.

    `pending` are records that were handed over and must be acknowledged before the outcome;
    `steps` collects what a replay and `explain` need to know; `answers` are those of this hop;
    `denied` is what the budgets said where they left nobody to ask; `trace` is the span under which
    calls hang, where the request is traced.
    What classify does before hop 0 has the number `BEFORE_HOPS` and is no hop.
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
        """Whether it goes first: read from its tier's topic of priority, and first in line."""
        return self.message.quality == PRIORITY_QUALITY

    @property
    def context_tokens(self) -> int:
        """Estimated input tokens of the body, counted once."""
        if self._context_tokens is None:
            self._context_tokens = estimate_tokens(self.body)
        return self._context_tokens

    @property
    def partition(self) -> int | None:
        """Partition number of the hop's work and of its journal; `None` before hop 0, where the
        producer finds it by the key.
        """
        return None if self.message.hop == BEFORE_HOPS else self.work.message.partition

    @property
    def all_attempts(self) -> tuple[Attempt, ...]:
        """Every call of the request up to now, oldest first."""
        return (*self.message.attempts, *self.attempts)

    def time_left_ms(self, now: int) -> float:
        """Until the request's deadline."""
        return float(self.message.deadline_at - now)

    def may_publish(self, now: int) -> bool:
        """Whether this worker may still end the hop: it holds the partition, or its lease."""
        return not self.work.lost or now < self.lease_until

    def journal_headers(self, kind: JournalKind, me: Owner, **more: Any) -> JournalHeaders:
        """Headers of a journal record of this hop."""
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
        """A journal record of this hop; `more` are the fields that its kind sets."""
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
        """A journal record, on the partition of the hop's work."""
        return Outgoing(
            topic=OUTCOMES,
            key=self.message.key,
            value=codecs.outcome.encode(as_record(event)),
            headers=headers.encode(),
            partition=self.partition,
        )
