"""Cancelling of a request by its caller.

The message has the identity of the request and travels as a verdict, so it reaches the worker that
holds the request's journal. This worker journals it; a hop of the request in work, or the next one,
then ends the request as rejected, with its own costs and origin. So a request has one outcome
whoever is first: a cancellation after the outcome, or a second one, changes nothing. One that is
read before the request applies to it too, until the request's deadline.
"""

from __future__ import annotations

from schemas.journal_headers import JournalKind
from schemas.records import CANCELLED, Failure, TierMessage
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import GaveUp
from streams.agents.context.ports import KafkaPorts
from streams.flow.dispatcher import Work

CANCELLED_ENDING = GaveUp(
    kind=JournalKind.REJECTED,
    failure=Failure(code=CANCELLED, message="the caller cancelled the request", retryable=False),
)


def is_cancelling(message: TierMessage) -> bool:
    """Return whether a message asks to cancel a request."""
    return message.verdict is not None and message.verdict.code == CANCELLED


async def take_cancellation(work: Work, message: TierMessage, deps: Dependencies) -> None:
    """Journal that a request is cancelled, and interrupt its call; return when the journal has it.
    Do nothing for a request that ended.
    """
    kafka, partition = deps.kafka, work.message.partition
    if work.lost or not kafka.journals.holds(partition):
        return
    journal = await kafka.journals.ready(partition)
    now = kafka.clock.now()
    if work.lost or journal.has_ended(message.key) or message.deadline_at <= now:
        return
    if not journal.is_cancelled(message.key, message.source.timestamp):
        hop = Hop.of(work, message, deps.registry.snapshot, body={})
        headers, record = hop.journal_record(
            JournalKind.CANCELLING,
            now,
            kafka.me,
            kafka.codecs,
            cancels_until=message.deadline_at,
        )
        written = await (await kafka.publisher.publish(record))
        kafka.journals.wrote(partition, message.key, headers, written.timestamp)
    kafka.in_flight.cancel(message.key)


def note_cancelled(progress: HopProgress, kafka: KafkaPorts) -> bool:
    """Return whether the request of a hop is cancelled, by its journal or since it is in work."""
    hop = progress.hop
    partition, at = hop.work.message.partition, hop.message.source.timestamp
    if kafka.journals.is_cancelled(partition, hop.identity, at):
        progress.cancellation.ask()
    return progress.cancellation.is_asked()
