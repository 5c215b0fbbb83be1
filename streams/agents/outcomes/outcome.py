"""Outcome of a hop: first its effects, all acknowledged, then its journal record.

The order is law 2: cost and quality events, the reply or the next tier's message; then the outcome;
only then may the caller release the offset.
"""

from __future__ import annotations

from dataclasses import replace

from core.codecs import Codecs
from core.kafka.producer import Outgoing
from schemas.records import Decision
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_progress import HopProgress
from streams.agents.context.outcome_kinds import Ending, GaveUp, MovedOn, Parked, Replied
from streams.agents.context.spans import keep_request
from streams.agents.context.tier_records import tier_record, wait_record
from streams.agents.outcomes.outcome_details import overhead_ms, result_of
from streams.agents.outcomes.replies import deliver, reply_of
from streams.routing.decision_inputs import HopTrace, add_hop


async def end_hop(progress: HopProgress, ending: Ending, deps: Dependencies) -> None:
    """Publish an outcome with its effects; return when the journal has it.

    A worker that holds neither the partition nor the lease publishes nothing more than its pending
    cost events: the hop belongs to another worker.
    """
    kafka, observers = deps.kafka, deps.observers
    hop, message = progress.hop, progress.hop.message
    if not progress.may_publish(kafka.clock.now()):
        await progress.acknowledged()
        return
    decision = _traced(progress)
    result = result_of(progress, ending, kafka.clock.now(), deps.calls.pricing)
    reply_at = None
    if isinstance(ending, MovedOn | Parked):
        await progress.publish(_following(progress, ending, decision, kafka.codecs))
    else:
        reply = reply_of(hop, ending, decision, result)
        reply_at = await deliver(reply, message.reply_to, kafka, observers)
        if reply_at is None:
            result = replace(result, undeliverable=True)
    await progress.acknowledged()
    headers, record = hop.journal_record(
        ending.kind,
        kafka.clock.now(),
        kafka.me,
        kafka.codecs,
        reply_at=None if reply_at is None else str(reply_at),
        decision=decision,
        result=result,
        next_tier=ending.tier if isinstance(ending, MovedOn) else None,
        error=ending.failure if isinstance(ending, GaveUp) else None,
    )
    written = await (await kafka.publisher.publish(record))
    kafka.journals.wrote(hop.work.message.partition, hop.identity, headers, written.timestamp)
    if isinstance(ending, MovedOn | Parked):
        observers.metrics.hop_ended(ending.kind, message.tier)
        return
    if isinstance(ending, Replied):
        answer = ending.answer
        observers.drift_monitor.replied(hop.identity, answer.model, answer.confidence)
    keep_request(message, ending.kind, result, kafka.clock.now(), observers.tracer)
    overhead = overhead_ms(ending, result)
    observers.metrics.ended(ending.kind, message.tier, result.latency_ms, overhead)


def _traced(progress: HopProgress) -> Decision:
    """Return the decision with this hop's trace in its inputs."""
    hop, decision = progress.hop, progress.hop.message.decision
    if not progress.steps:
        return decision
    trace = HopTrace(hop=hop.message.hop, registry=hop.snapshot.version, steps=progress.steps)
    return replace(decision, inputs=add_hop(decision.inputs, trace))


def _following(
    progress: HopProgress, ending: MovedOn | Parked, decision: Decision, codecs: Codecs
) -> Outgoing:
    """Return the next hop, for its tier, or the next visit of this one, for a wait topic."""
    hop, message = progress.hop, progress.hop.message
    partition = hop.work.message.partition
    if isinstance(ending, Parked):
        # No answer exists, so the request restarts on the decided tier.
        later = replace(
            message,
            visit=message.visit + 1,
            tier=decision.tier if decision.tier in hop.snapshot.tiers else message.tier,
            decision=decision,
            attempts=progress.attempts,
            tiers_tried=(),
        )
        return wait_record(tier_record(later, codecs), ending.delay_s, partition)
    answers = [answer for answer in (message.best, ending.answer) if answer is not None]
    following = replace(
        message,
        hop=message.hop + 1,
        tier=ending.tier,
        decision=decision,
        attempts=progress.attempts,
        tiers_tried=(*message.tiers_tried, message.tier),
        best=max(answers, key=lambda answer: answer.confidence or 0.0, default=None),
    )
    return replace(tier_record(following, codecs), partition=partition)
