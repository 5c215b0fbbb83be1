"""Replies: built once, encoded as the request was, sent where its sender listens.

In JSON, money is USD and the message is an object; in Avro both are as the schema says.
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
    """Nano-USD as USD; the nearest double prints the nine digits again below a million USD."""
    return None if nano is None else nano / NANO


def routing_of(decision: Decision) -> Routing:
    """What a sender is told of a decision."""
    return Routing(
        classifier=decision.classifier,
        score=decision.score,
        reasons=decision.reasons,
        registry_version=decision.registry_version,
        experiment=decision.experiment,
        arm=decision.arm,
    )


def encode_reply(reply: Reply, form: Format, codecs: Codecs) -> bytes:
    """A reply in the encoding of its request."""
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
    """Hand a reply over; the returned future says whether the caller's topic took it."""
    form = Format(address.format)
    if form is Format.CONFLUENT and codecs.reply.format is not Format.CONFLUENT:
        form = Format.SINGLE_OBJECT
    return await send_encoded(encode_reply(reply, form, codecs), address, publisher)


async def send_encoded(
    value: bytes, address: ReplyAddress, publisher: Publisher
) -> Awaitable[Delivered]:
    """Hand a reply over that is encoded already."""
    return await publisher.reply(
        Outgoing(
            topic=address.topic,
            key=address.key,
            value=value,
            headers=address.kafka_headers,
            partition=address.partition,
        )
    )
