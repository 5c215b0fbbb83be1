"""The execute agent: one hop of a request, on any tier.

Admission yields a `Hop`, which nobody writes to; the attempts record what they do in its
`HopProgress`; the outcome is published from both. The journal decides on admission: a finished hop
is acknowledged without a call, a hop leased by another worker is waited for, and a hop of a dead
worker is taken over.
"""

from __future__ import annotations

from contextlib import suppress

from schemas.encoding import exact_json
from schemas.errors import RequestCancelledError, UndecodableError
from schemas.journal_headers import JournalKind
from streams.agents.calls.interrupted_calls import book_interrupted
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop import Hop
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import Ending, GaveUp
from streams.agents.context.ports import CallPorts, KafkaPorts
from streams.agents.context.spans import hop_span
from streams.agents.context.tier_records import hop_message, read_hop
from streams.agents.execute.attempts import run_attempts
from streams.agents.execute.cancelling import (
    CANCELLED_ENDING,
    is_cancelling,
    note_cancelled,
    take_cancellation,
)
from streams.agents.outcomes.duplicates import answer_duplicate
from streams.agents.outcomes.failed_handling import INTERNAL_ERROR, dead_letter_failed, end_failed
from streams.agents.outcomes.outcome import end_hop
from streams.agents.shadow import draw_shadow, make_shadow
from streams.flow.dispatcher import Work
from streams.flow.handling_retries import HandlingFailure, is_environment
from streams.journal.admission import Done, Duplicate, HopMessage, Run, Wait
from streams.offset_metadata.retry_count import MOST_LOST_WORKERS

LOST_WORKERS = HandlingFailure(
    reason=f"{MOST_LOST_WORKERS} workers ended while they worked on it; it is not tried again"
)

_VERDICT_KINDS = {"deadline_exceeded": JournalKind.EXPIRED, INTERNAL_ERROR: JournalKind.FAILED}
_POLL_MS = 200.0
"""Interval at which a message that waits for a lease checks the journal."""


async def execute(work: Work, deps: Dependencies) -> None:
    """Handle one hop's message; return when all its effects are acknowledged."""
    try:
        arrived = hop_message(work.message)
        message = await read_hop(work.message, deps.kafka.codecs)
    except UndecodableError as error:
        await (await deps.kafka.dead_letters.put(work.message, "undecodable", str(error)))
        return
    if work.tries.failed == 0:
        deps.kafka.dead_letters.passed(work.message)
    if is_cancelling(message):
        await take_cancellation(work, message, deps)
        return
    admission = await _admitted(work, arrived, deps.calls, deps.kafka)
    if isinstance(admission, Duplicate) and not admission.silent:
        await answer_duplicate(message, admission, deps.kafka, deps.observers)
    if isinstance(admission, Done | Duplicate):
        deps.observers.metrics.repeated("done" if isinstance(admission, Done) else "duplicate")
    if not isinstance(admission, Run) or work.lost:
        return
    async with deps.kafka.in_flight.hold(arrived) as cancellation:
        await _take_over(work, admission, deps.kafka)
        if work.tries.used_up:
            await end_failed(work, message, LOST_WORKERS, deps)
            return
        with hop_span(work, message, deps.observers.tracer) as span:
            decision = message.decision
            own = deps.registry.snapshot.under(decision.experiment, decision.arm)
            snapshot = own.for_stream(stream=message.stream)
            body = exact_json.loads(message.body) if message.body else {}
            hop = Hop.of(work, message, snapshot, body, span.context)
            progress = HopProgress.of(hop, deps.kafka.publisher, cancellation)
            async with progress.one_try():
                await _carry_out(progress, deps)


async def give_up_hop(work: Work, fault: HandlingFailure, deps: Dependencies) -> None:
    """End a hop whose handling fails: reply, outcome, dead letter, alert.

    A hop that is done, or another worker's, is unchanged, and so is a request that was to be
    cancelled; the message is still dead-lettered.
    """
    try:
        arrived = hop_message(work.message)
        message = await read_hop(work.message, deps.kafka.codecs)
    except Exception as error:
        if is_environment(error):
            raise
        await dead_letter_failed(work.message, fault, deps.kafka, deps.observers)
        return
    admission = None
    if not is_cancelling(message):
        admission = await _admitted(work, arrived, deps.calls, deps.kafka)
    if not isinstance(admission, Run) or work.lost:
        await dead_letter_failed(work.message, fault, deps.kafka, deps.observers)
        return
    async with deps.kafka.in_flight.hold(arrived):
        await _take_over(work, admission, deps.kafka)
        await end_failed(work, message, fault, deps)


async def _take_over(work: Work, admission: Run, kafka: KafkaPorts) -> None:
    partition = work.message.partition
    if admission.interrupted:
        await book_interrupted(partition, admission.interrupted, kafka)
    lost = await kafka.journals.lost_workers(partition, admission.starts)
    work.tries.lost_workers = max(lost, work.tries.lost_workers)


async def _carry_out(progress: HopProgress, deps: Dependencies) -> None:
    verdict = progress.hop.message.verdict
    if verdict is not None:
        kind = _VERDICT_KINDS.get(verdict.code, JournalKind.REJECTED)
        await end_hop(progress, GaveUp(kind=kind, failure=verdict), deps)
        return
    ending = await _ending(progress, deps)
    if ending is None:
        await progress.acknowledged()
        return
    shadow = draw_shadow(progress, ending, deps.kafka.clock.now(), deps.shadow_spend)
    await end_hop(progress, ending, deps)
    if shadow is not None:
        await make_shadow(progress, ending, shadow, deps)


async def _ending(progress: HopProgress, deps: Dependencies) -> Ending | None:
    """Work on a hop to its outcome, unless its request is cancelled."""
    ending: Ending | None = CANCELLED_ENDING
    if not note_cancelled(progress, deps.kafka):
        with suppress(RequestCancelledError):
            ending = await run_attempts(progress, deps)
    return CANCELLED_ENDING if ending is not None and progress.cancellation.is_asked() else ending


async def _admitted(
    work: Work, arrived: HopMessage, calls: CallPorts, kafka: KafkaPorts
) -> Run | Done | Duplicate | None:
    """Admit a message by the journal, waiting as long as it requires; `None` if the partition was
    lost.
    """
    partition = work.message.partition
    while not work.lost and kafka.journals.holds(partition):
        journal = await kafka.journals.ready(partition)
        holder = kafka.in_flight.holder(arrived)
        if holder is not None:
            work.end_trial()
            async with work.slots.lent():
                await holder.wait()
            continue
        admission = journal.admit(arrived, kafka.me, kafka.clock.now())
        if not isinstance(admission, Wait):
            if isinstance(admission, Run):
                journal.opened(arrived)
            return admission
        work.end_trial()
        async with work.slots.lent():
            await calls.sleep_ms(min(float(admission.until - kafka.clock.now()), _POLL_MS) + 1)
    return None
