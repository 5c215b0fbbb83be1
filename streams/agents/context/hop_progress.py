"""Progress of a hop: its calls, the steps of routing, its lease, and the records on their way.

This is the only state of a hop that changes. It is written by its methods alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from core.kafka.producer import Delivered, Outgoing, Publisher
from schemas.records import Attempt
from streams.agents.context.hop import Hop
from streams.flow.handling_retries import is_environment
from streams.journal.in_flight_hops import Cancellation
from streams.routing.decision_trace import Step


@dataclass(slots=True, kw_only=True)
class HopProgress:
    """Progress of one attempt at handling a hop.

    `attempts` are the calls of the request so far, oldest first; `steps` is the trace for replays
    and `explain`; `lease_until` is the lease of the latest call, broker time, ms; `provider_ms` is
    the time of this attempt's calls; `cancellation` is that of the request.
    """

    hop: Hop
    publisher: Publisher
    attempts: tuple[Attempt, ...] = ()
    steps: tuple[Step, ...] = ()
    lease_until: int = 0
    provider_ms: float = 0.0
    cancellation: Cancellation = field(default_factory=Cancellation)
    _pending: list[Awaitable[Delivered]] = field(default_factory=list)

    @classmethod
    def of(
        cls, hop: Hop, publisher: Publisher, cancellation: Cancellation | None = None
    ) -> HopProgress:
        """Return the progress of a hop at its start: the calls of earlier hops, and of failed
        attempts at handling this one.
        """
        earlier = (*hop.message.attempts, *hop.work.tries.attempts)
        asked = cancellation or Cancellation()
        return cls(hop=hop, publisher=publisher, attempts=earlier, cancellation=asked)

    @asynccontextmanager
    async def one_try(self) -> AsyncIterator[None]:
        """One attempt at handling. On a failure its records are acknowledged, and its calls are
        kept for the next attempt and for the outcome.
        """
        try:
            yield
        except Exception as error:
            if not is_environment(error):
                earlier = len(self.hop.message.attempts)
                self.hop.work.tries.attempts = list(self.attempts[earlier:])
                await self.acknowledged()
            raise

    async def publish(self, record: Outgoing) -> None:
        """Publish a record that must be acknowledged before the hop's outcome."""
        self._pending.append(await self.publisher.publish(record))

    async def acknowledged(self) -> None:
        """Return when the broker has every record published so far."""
        for record in self._pending:
            await record

    def call_started(self, lease_until: int) -> None:
        """Record the start of a call under this lease."""
        self.lease_until = lease_until

    def call_ended(self, attempt: Attempt) -> None:
        """Record a call whose cost event is published."""
        self.attempts = (*self.attempts, attempt)
        self.provider_ms += attempt.latency_ms or 0.0

    def rated(self, call_id: str, confidence: float) -> None:
        """Record the confidence in the answer of a call."""
        self.attempts = tuple(
            replace(each, confidence=confidence) if each.call_id == call_id else each
            for each in self.attempts
        )

    def decided(self, *steps: Step) -> None:
        """Record steps of routing."""
        self.steps = (*self.steps, *steps)

    def may_publish(self, now: int) -> bool:
        """Return whether this worker may still end the hop: it owns the partition or the lease."""
        return not self.hop.work.lost or now < self.lease_until
