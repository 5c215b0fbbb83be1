"""Reply address of a request: read from its headers and checked before any cost arises.

Sluice's own header names take precedence, Spring's (`ReplyingKafkaTemplate`) are accepted.
Correlation ids and the trace context are echoed unchanged, the first of each name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.kafka.incoming_message import Incoming
from schemas.callers.headers import (
    CORRELATION_ID,
    REPLY_TOPIC,
    SPRING_CORRELATION_ID,
    SPRING_REPLY_TOPIC,
)
from schemas.encoding.codec import Format, format_of
from schemas.errors import InvalidRequestError
from schemas.gateway.headers import REPLY_PARTITION
from schemas.identity import reply_digest
from schemas.records import Header, ReplyAddress
from schemas.topics import GATEWAY_REPLIES, GATEWAY_REQUESTS, REPLIES
from streams.agents.context.ports import IntakePorts, KafkaPorts

REPLY_TOPICS = (REPLY_TOPIC, SPRING_REPLY_TOPIC)
CORRELATION_IDS = (CORRELATION_ID, SPRING_CORRELATION_ID)
ECHOED = (*CORRELATION_IDS, "traceparent", "tracestate")

MAX_HEADER_BYTES = 1024
"""Maximum length of an echoed header value."""

MAX_KEY_BYTES = 4096
"""Maximum length of a reply's key: it travels with every hop of its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """The address in use, and why the caller's own is refused."""

    address: ReplyAddress
    refusal: InvalidRequestError | None = None


async def address_of(message: Incoming, intake: IntakePorts, kafka: KafkaPorts) -> Addressed:
    """Return the reply address of a request; a refused one is replaced by the default topic."""
    wanted, partition = message.header(*REPLY_TOPICS), message.header(REPLY_PARTITION)
    echoed = {name: value for name in ECHOED if (value := message.header(name)) is not None}
    topic = wanted.decode("ascii", "replace") if wanted else REPLIES
    if message.topic == GATEWAY_REQUESTS:
        topic = GATEWAY_REPLIES
    refusal = _too_long(message.key, echoed) or await _forbidden(topic, message, intake)
    if refusal is not None:
        topic = REPLIES
    correlation = next((echoed[name] for name in CORRELATION_IDS if name in echoed), None)
    framed = kafka.codecs.request.format is Format.CONFLUENT
    address = ReplyAddress(
        topic=topic,
        partition=None if refusal else _number(partition),
        key=message.key if len(message.key or b"") <= MAX_KEY_BYTES else None,
        format=format_of(message.value or b"", framed=framed).value,
        headers=tuple(
            Header(name=name, value=value)
            for name, value in echoed.items()
            if len(value) <= MAX_HEADER_BYTES
        ),
        digest=reply_digest(topic, correlation),
    )
    return Addressed(address=address, refusal=refusal)


def _too_long(key: bytes | None, echoed: Mapping[str, bytes]) -> InvalidRequestError | None:
    if any(len(value) > MAX_HEADER_BYTES for value in echoed.values()):
        return InvalidRequestError(
            f"a correlation or trace header is longer than {MAX_HEADER_BYTES} bytes"
        )
    if len(key or b"") > MAX_KEY_BYTES:
        return InvalidRequestError(f"the key is longer than {MAX_KEY_BYTES} bytes")
    return None


async def _forbidden(
    topic: str, message: Incoming, intake: IntakePorts
) -> InvalidRequestError | None:
    if message.topic == GATEWAY_REQUESTS:
        return None
    if not intake.reply_topics.allows(topic, intake.bound_tenants.get(message.topic)):
        why = "reply-topic: not a permitted reply topic"
    elif topic != REPLIES and not await intake.reply_topic_exists(topic):
        why = "reply-topic: does not exist; create it first"
    else:
        return None
    return InvalidRequestError(why, code="reply_topic_forbidden")


def _number(partition: bytes | None) -> int | None:
    """Read a partition, which Spring sends as four bytes, big-endian."""
    if partition is None or len(partition) != 4:
        return None
    return int.from_bytes(partition, "big", signed=True) if partition[0] < 0x80 else None
