"""Replies: encoded as the request was, sent to its reply topic.

In JSON, cost is in USD and the message is an object; in Avro both follow the schema. A reply that
its topic refuses goes to the dead-letter topic of replies.
"""

from __future__ import annotations

import logging
from typing import Any

from core.codecs import Codecs
from core.kafka.producer import Outgoing
from schemas.bad_records import LONGEST_REASON, reason_of
from schemas.callers.reply_json import encode_reply
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Format
from schemas.errors import DeliveryError
from schemas.events import HopResult
from schemas.records import Decision, Reply, ReplyAddress, ReplyUsage, Routing
from schemas.topics import REPLIES, dead_letter_topic
from streams.agents.context.hop import Hop
from streams.agents.context.outcome_kinds import GaveUp, Replied
from streams.agents.context.ports import KafkaPorts, Observers
from streams.journal.sent_replies import RecordPlace
from streams.routing.parameters.answer_limits import limit_notes
from streams.routing.parameters.extra_body import extra_notes

log = logging.getLogger(__name__)


def reply_of(hop: Hop, ending: Replied | GaveUp, decision: Decision, result: HopResult) -> Reply:
    """Return the reply to a hop's request."""
    message = hop.message
    common: dict[str, Any] = {
        "request_id": message.request_id,
        "tenant": message.tenant,
        "status": ending.kind,
        "tiers_tried": result.tiers_tried,
        "cost_nano": result.cost_nano,
        "latency_ms": result.latency_ms,
    }
    if isinstance(ending, GaveUp):
        routing = None if message.verdict else _routing(decision)
        return Reply(**common, routing=routing, error=ending.failure)
    answer = ending.answer
    model = hop.snapshot.models.get(answer.model)
    notes = () if model is None else (*limit_notes(hop.body, model), *extra_notes(hop.body, model))
    failed = (f"the answer failed a check: {fault}" for fault in ending.faults)
    return Reply(
        **common,
        message=answer.message,
        model=answer.model,
        provider=answer.provider,
        call_id=answer.call_id,
        tier=answer.tier,
        confidence=answer.confidence,
        degraded=result.degraded,
        finish_reason=answer.finish_reason,
        stop_sequence=answer.stop_sequence,
        logprobs=answer.logprobs,
        usage=ReplyUsage(
            input_tokens=answer.input_tokens,
            output_tokens=answer.output_tokens,
            cache_read_tokens=answer.cache_read_tokens,
            cache_write_tokens=answer.cache_write_tokens,
            reasoning_tokens=answer.reasoning_tokens,
        ),
        baseline_cost_nano=result.baseline_cost_nano,
        routing=_routing(decision, *notes, *failed),
    )


def _routing(decision: Decision, *notes: str) -> Routing:
    return Routing(
        classifier=decision.classifier,
        score=decision.score,
        reasons=(*decision.reasons, *notes),
        registry_version=decision.registry_version,
        experiment=decision.experiment,
        arm=decision.arm,
    )


async def deliver(
    reply: Reply,
    address: ReplyAddress,
    kafka: KafkaPorts,
    observers: Observers,
    *,
    again: bytes | None = None,
) -> RecordPlace | None:
    """Send a reply, or its bytes of an earlier time `again`; return its position. If its topic
    refuses it, put the reply on the dead-letter topic of replies and return `None`.
    """
    codecs, form = kafka.codecs, Format(address.format)
    if form is Format.CONFLUENT and codecs.reply.format is not Format.CONFLUENT:
        form = Format.SINGLE_OBJECT
    value = _encode(reply, form, codecs)
    record = Outgoing(
        topic=address.topic,
        key=address.key,
        value=value if again is None else again,
        headers=address.kafka_headers,
        partition=address.partition,
    )
    try:
        sent = await (await kafka.publisher.reply(record))
    except DeliveryError as error:
        log.warning("a reply could not be delivered and is dead-lettered: %s", error)
        dead = Outgoing(
            topic=dead_letter_topic(REPLIES),
            key=address.key,
            value=value,
            headers=[
                *address.kafka_headers,
                ("dlq-cause", b"undeliverable"),
                ("dlq-reason", reason_of(error)[:LONGEST_REASON].encode()),
                ("dlq-source", f"{address.topic}".encode()),
                ("dlq-worker", kafka.me.worker.encode()),
            ],
        )
        observers.metrics.dead_lettered(REPLIES, "undeliverable")
        await (await kafka.publisher.publish(dead))
        return None
    return RecordPlace(topic=sent.topic, partition=sent.partition, offset=sent.offset)


def _encode(reply: Reply, form: Format, codecs: Codecs) -> bytes:
    """Encode a reply in the format of its request."""
    if form is Format.JSON:
        return encode_reply(reply)
    return codecs.reply.encode(as_record(reply), form)
