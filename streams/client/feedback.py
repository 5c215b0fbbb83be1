"""Feedback on answers, published to the feedback topic."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, KafkaError

from core.kafka.access import KafkaAccess
from core.kafka.preflight import check_connection, no_answer
from core.kafka.publishing.pending import produce_problem
from core.kafka.publishing.required_topics import require_topic
from schemas.errors import LocalStackError
from schemas.topics import FEEDBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackMessage:
    """Feedback on the answer to a request; `score` is 0..1."""

    tenant: str | None
    request_id: str
    score: float | None
    label: str | None
    comment: str | None = None


async def publish_feedback(
    bootstrap_servers: str, messages: list[FeedbackMessage], access: KafkaAccess | None = None
) -> None:
    """Publish feedback; return when the broker has acknowledged it. `access` defaults to the
    environment's.

    Raises:
        LocalStackError: the broker did not accept it.
        TopicError: the feedback topic does not exist.
    """
    kafka = (access or KafkaAccess()).kafka_at(bootstrap_servers)
    await check_connection(kafka, must_answer=True)
    producer = AIOKafkaProducer(**kafka, enable_idempotence=True)
    try:
        await producer.start()
        await require_topic(producer, FEEDBACK)
        sent = [
            await producer.send(FEEDBACK, value=_value(each), key=each.request_id.encode())
            for each in messages
        ]
        for pending in sent:
            await pending
    except KafkaConnectionError as error:
        raise LocalStackError(no_answer(bootstrap_servers)) from error
    except KafkaError as error:
        raise LocalStackError(
            f"cannot publish feedback to {FEEDBACK}: {produce_problem(error)}"
        ) from error
    finally:
        await producer.stop()


def _value(message: FeedbackMessage) -> bytes:
    fields = {
        "request_id": message.request_id,
        "tenant": message.tenant,
        "score": message.score,
        "label": message.label,
        "comment": message.comment,
    }
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})
