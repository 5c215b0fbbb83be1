"""A hop as admission hands it on: the message, the registry version and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.codecs import Codecs
from core.kafka.producer import Outgoing
from schemas.encoding.avro_mapping import as_record
from schemas.events import OutcomeEvent
from schemas.journal_headers import TERMINAL, JournalHeaders, JournalKind
from schemas.records import BEFORE_HOPS, TierMessage
from schemas.topics import OUTCOMES
from streams.agents.context.tier_records import PRIORITY_QUALITY
from streams.flow.dispatcher import Work
from streams.journal.admission import Owner
from streams.routing.budgets import BudgetSubject
from streams.routing.features.request_features import estimate_tokens
from streams.routing.snapshot import RegistrySnapshot
from streams.tracing.context import TraceContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A hop in work, under the registry version at its start.

    `identity` is the request's key and `partition` the number of the journal's partition, which is
    that of its work. `context_tokens` is the estimate of the body's input tokens. `trace` is the
    parent span of the calls, if the request is traced. The work of classify before hop 0 has the
    hop number `BEFORE_HOPS` and is no hop; its partition is `None`: the producer derives it from
    the key.
    """

    work: Work
    message: TierMessage
    snapshot: RegistrySnapshot
    body: Mapping[str, Any]
    trace: TraceContext | None
    identity: bytes
    partition: int | None
    context_tokens: int

    @classmethod
    def of(
        cls,
        work: Work,
        message: TierMessage,
        snapshot: RegistrySnapshot,
        body: Mapping[str, Any],
        trace: TraceContext | None = None,
    ) -> Hop:
        """Return a hop, with what follows from its message and body."""
        return cls(
            work=work,
            message=message,
            snapshot=snapshot,
            body=body,
            trace=trace,
            identity=message.key,
            partition=None if message.hop == BEFORE_HOPS else work.message.partition,
            context_tokens=estimate_tokens(body),
        )

    @property
    def has_priority(self) -> bool:
        """Return whether the hop has priority: it comes from its tier's priority topic."""
        return self.message.quality == PRIORITY_QUALITY

    def time_left_ms(self, now: int) -> float:
        """Return the time until the request's deadline, ms."""
        return float(self.message.deadline_at - now)

    def payer(self, model: str) -> BudgetSubject:
        """Return the budget subject of this hop's calls to a model."""
        message = self.message
        return BudgetSubject(
            tenant=message.tenant,
            user_id=message.user_id,
            user_tier=message.user_tier,
            feature=message.feature,
            model=model,
        )

    def journal_record(
        self,
        kind: JournalKind,
        at: int,
        me: Owner,
        codecs: Codecs,
        *,
        reply_at: str | None = None,
        cancels_until: int | None = None,
        **more: Any,
    ) -> tuple[JournalHeaders, Outgoing]:
        """Return a journal record of this hop, on the partition of its work, and its headers.

        `at` is broker time, ms; `reply_at` is the position of the reply; `cancels_until` the
        deadline of a request that is cancelled, ms; `more` are the fields of the event that its
        kind sets.
        """
        message = self.message
        event = OutcomeEvent(
            tenant=message.tenant,
            request_id=message.request_id,
            hop=message.hop,
            visit=message.visit,
            kind=kind,
            final=kind in TERMINAL,
            at=at,
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
        headers = JournalHeaders(
            kind=kind,
            hop=message.hop,
            visit=message.visit,
            origin=message.source.place,
            digest=message.reply_to.digest,
            worker=me.worker,
            incarnation=me.incarnation,
            call_id=event.call_id,
            lease_until=event.lease_until,
            reply_at=reply_at,
            cancels_until=cancels_until,
        )
        record = Outgoing(
            topic=OUTCOMES,
            key=self.identity,
            value=codecs.outcome.encode(as_record(event)),
            headers=headers.encode(),
            partition=self.partition,
        )
        return headers, record
