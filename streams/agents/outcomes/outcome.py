"""Outcome of a hop: first its effects, all acknowledged, then its journal record.

The order is law 2: cost and quality events, the reply or the next tier's message; then the outcome;
only then may the caller release the offset.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from core.kafka.producer import Outgoing
from schemas.bad_records import LONGEST_REASON, reason_of
from schemas.encoding.codec import Format
from schemas.errors import DeliveryError
from schemas.events import HopResult
from schemas.journal_headers import JournalKind
from schemas.records import Decision, Reply, ReplyUsage
from schemas.topics import REPLIES, dead_letter_topic
from streams.agents.context.dependencies import Dependencies
from streams.agents.context.hop_state import HopState
from streams.agents.context.outcome_kinds import Ending, GaveUp, MovedOn, Parked, Replied
from streams.agents.context.ports import KafkaPorts, Observers
from streams.agents.context.spans import keep_request
from streams.agents.context.tier_records import tier_record, wait_record
from streams.agents.outcomes.outcome_details import overhead_ms, result_of
from streams.agents.outcomes.replies import encode_reply, routing_of, send_reply
from streams.journal.sent_replies import RecordPlace
from streams.routing.decision_inputs import HopTrace, add_hop
from streams.routing.parameters.answer_limits import limit_notes
from streams.routing.parameters.extra_body import extra_notes

log = logging.getLogger(__name__)

_OK = "ok"


async def end_hop(hop: HopState, ending: Ending, deps: Dependencies) -> None:
    """Publish an outcome with its effects; return when the journal has it.

    A worker that holds neither the partition nor the lease publishes nothing more than its pending
    cost events: the hop belongs to another worker.
    """
    if not hop.may_publish(deps.kafka.clock.now()):
        await _acknowledged(hop)
        return
    decision = _decision(hop)
    if isinstance(ending, MovedOn):
        await _move_on(hop, ending, decision, deps)
        return
    if isinstance(ending, Parked):
        await _park(hop, ending, decision, deps)
        return
    result = result_of(hop, ending, deps.kafka.clock, deps.calls.pricing)
    delivered = await _reply(
        hop, ending, deps.kafka, deps.observers, decision=decision, result=result
    )
    await _acknowledged(hop)
    kind = JournalKind.REPLIED if isinstance(ending, Replied) else ending.kind
    if isinstance(ending, Replied):
        deps.observers.drift_monitor.replied(
            hop.message.key, ending.answer.model, ending.answer.confidence
        )
    await _journal(
        hop,
        kind,
        deps.kafka,
        decision=decision,
        result=replace(result, undeliverable=delivered is None),
        error=ending.failure if isinstance(ending, GaveUp) else None,
        reply_at=None if delivered is None else str(delivered),
    )
    keep_request(hop, kind, result, deps.kafka.clock, deps.observers.tracer)
    deps.observers.metrics.ended(
        kind, hop.message.tier, result.latency_ms, overhead_ms(ending, result)
    )


async def _acknowledged(hop: HopState) -> None:
    for record in hop.pending:
        await record


async def _move_on(hop: HopState, ending: MovedOn, decision: Decision, deps: Dependencies) -> None:
    message = hop.message
    answers = [answer for answer in (message.best, *hop.answers) if answer is not None]
    following = replace(
        message,
        hop=message.hop + 1,
        tier=ending.tier,
        decision=decision,
        attempts=hop.all_attempts,
        tiers_tried=(*message.tiers_tried, message.tier),
        best=max(answers, key=lambda answer: answer.confidence or 0.0, default=None),
    )
    record = replace(tier_record(following, deps.kafka.codecs), partition=hop.partition)
    hop.pending.append(await deps.kafka.publisher.publish(record))
    result = result_of(hop, ending, deps.kafka.clock, deps.calls.pricing)
    await _acknowledged(hop)
    await _journal(
        hop,
        JournalKind.ESCALATED,
        deps.kafka,
        decision=decision,
        result=result,
        next_tier=ending.tier,
    )
    deps.observers.metrics.hop_ended(JournalKind.ESCALATED, hop.message.tier)


async def _park(hop: HopState, ending: Parked, decision: Decision, deps: Dependencies) -> None:
    """Put the hop on a wait topic as its next visit. No answer exists, so it restarts on the
    decided tier.
    """
    message = hop.message
    later = replace(
        message,
        visit=message.visit + 1,
        tier=decision.tier if decision.tier in hop.snapshot.tiers else message.tier,
        decision=decision,
        attempts=hop.all_attempts,
        tiers_tried=(),
    )
    record = wait_record(
        tier_record(later, deps.kafka.codecs), ending.delay_s, hop.work.message.partition
    )
    hop.pending.append(await deps.kafka.publisher.publish(record))
    result = result_of(hop, ending, deps.kafka.clock, deps.calls.pricing)
    await _acknowledged(hop)
    await _journal(hop, JournalKind.PARKED, deps.kafka, decision=decision, result=result)
    deps.observers.metrics.hop_ended(JournalKind.PARKED, hop.message.tier)


async def _journal(
    hop: HopState,
    kind: JournalKind,
    kafka: KafkaPorts,
    *,
    reply_at: str | None = None,
    **more: object,
) -> None:
    headers = hop.journal_headers(kind, kafka.me, reply_at=reply_at)
    event = hop.outcome(kind, kafka.clock, kafka.me, **more)
    delivered = await (
        await kafka.publisher.publish(hop.journal_record(event, headers, kafka.codecs))
    )
    kafka.journals.wrote(hop.work.message.partition, hop.message.key, headers, delivered.timestamp)


def _decision(hop: HopState) -> Decision:
    """Return the decision with this hop's trace in its inputs."""
    decision = hop.message.decision
    if not hop.steps:
        return decision
    trace = HopTrace(hop=hop.message.hop, registry=hop.snapshot.version, steps=tuple(hop.steps))
    return replace(decision, inputs=add_hop(decision.inputs, trace))


async def _reply(
    hop: HopState,
    ending: Replied | GaveUp,
    kafka: KafkaPorts,
    observers: Observers,
    *,
    decision: Decision,
    result: HopResult,
) -> RecordPlace | None:
    """Send the reply and return its position; `None` if its topic refused it and it is
    dead-lettered.
    """
    message = hop.message
    routing = routing_of(decision)
    if isinstance(ending, Replied):
        model = hop.snapshot.models.get(ending.answer.model)
        noted = (
            *((*limit_notes(hop.body, model), *extra_notes(hop.body, model)) if model else ()),
            *(f"the answer failed a check: {fault}" for fault in ending.faults),
        )
        routing = replace(routing, reasons=(*routing.reasons, *noted))
        reply = replace(_good(hop, ending, result), routing=routing)
    else:
        reply = Reply(
            request_id=message.request_id,
            tenant=message.tenant,
            status=ending.kind,
            tiers_tried=result.tiers_tried,
            cost_nano=result.cost_nano,
            latency_ms=result.latency_ms,
            routing=None if message.verdict else routing,
            error=ending.failure,
        )
    try:
        sent = await (await send_reply(reply, message.reply_to, kafka.codecs, kafka.publisher))
    except DeliveryError as error:
        log.warning("a reply could not be delivered and is dead-lettered: %s", error)
        await dead_letter_reply(reply, hop, error, kafka, observers)
        return None
    return RecordPlace(topic=sent.topic, partition=sent.partition, offset=sent.offset)


def _good(hop: HopState, ending: Replied, result: HopResult) -> Reply:
    answer = ending.answer
    return Reply(
        request_id=hop.message.request_id,
        tenant=hop.message.tenant,
        status=JournalKind.REPLIED,
        message=answer.message,
        model=answer.model,
        provider=answer.provider,
        tier=answer.tier,
        tiers_tried=result.tiers_tried,
        confidence=answer.confidence,
        degraded=ending.degraded,
        finish_reason=answer.finish_reason,
        usage=ReplyUsage(
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cache_read_tokens=answer.cache_read_tokens,
            cache_write_tokens=answer.cache_write_tokens,
            reasoning_tokens=answer.reasoning_tokens,
        ),
        cost_nano=result.cost_nano,
        baseline_cost_nano=result.baseline_cost_nano,
        latency_ms=result.latency_ms,
    )


async def dead_letter_reply(
    reply: Reply, hop: HopState, error: DeliveryError, kafka: KafkaPorts, observers: Observers
) -> None:
    """Put a refused reply on the dead-letter topic of replies."""
    address = hop.message.reply_to
    record = Outgoing(
        topic=dead_letter_topic(REPLIES),
        key=address.key,
        value=encode_reply(reply, Format(address.format), kafka.codecs),
        headers=[
            *address.kafka_headers,
            ("dlq-cause", b"undeliverable"),
            ("dlq-reason", reason_of(error)[:LONGEST_REASON].encode()),
            ("dlq-source", f"{address.topic}".encode()),
            ("dlq-worker", kafka.me.worker.encode()),
        ],
    )
    observers.metrics.dead_lettered(REPLIES, "undeliverable")
    hop.pending.append(await kafka.publisher.publish(record))
