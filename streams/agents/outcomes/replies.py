"""Replies: encoded as the request was, sent to its reply topic.

In JSON, cost is in USD and the message is an object; in Avro both follow the schema.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import orjson

from core.codecs import Codecs
from core.kafka.producer import Delivered, Outgoing, Publisher
from schemas.encoding.avro_mapping import as_record
from schemas.encoding.codec import Format
from schemas.records import Decision, Reply, ReplyAddress, Routing

NANO = 1_000_000_000


def usd(nano: int | None) -> float | None:
    """Return nano-USD as USD; the nearest double prints nine exact digits below a million USD."""
    return None if nano is None else nano / NANO


def routing_of(decision: Decision) -> Routing:
    """Return the part of a decision that replies contain."""
    return Routing(
        classifier=decision.classifier,
        score=decision.score,
        reasons=decision.reasons,
        registry_version=decision.registry_version,
        experiment=decision.experiment,
        arm=decision.arm,
    )


def encode_reply(reply: Reply, form: Format, codecs: Codecs) -> bytes:
    """Encode a reply in the format of its request."""
    record = as_record(reply)
    if form is not Format.JSON:
        return codecs.reply.encode(record, form)
    return orjson.dumps(_document(record))


def _document(record: dict[str, Any]) -> dict[str, Any]:
    document = dict(record)
    message = document["message"]
    document["message"] = None if message is None else orjson.Fragment(message)
    document["cost_usd"] = usd(document.pop("cost_nano"))
    document["baseline_cost_usd"] = usd(document.pop("baseline_cost_nano"))
    return document


async def send_reply(
    reply: Reply, address: ReplyAddress, codecs: Codecs, publisher: Publisher
) -> Awaitable[Delivered]:
    """Publish a reply; the returned future says whether the caller's topic accepted it."""
    form = Format(address.format)
    if form is Format.CONFLUENT and codecs.reply.format is not Format.CONFLUENT:
        form = Format.SINGLE_OBJECT
    return await send_encoded(encode_reply(reply, form, codecs), address, publisher)


async def send_encoded(
    value: bytes, address: ReplyAddress, publisher: Publisher
) -> Awaitable[Delivered]:
    """Publish an encoded reply."""
    return await publisher.reply(
        Outgoing(
            topic=address.topic,
            key=address.key,
            value=value,
            headers=address.kafka_headers,
            partition=address.partition,
        )
    )
