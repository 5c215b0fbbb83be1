"""Duplicate request ids: the sender gets the first reply again, or the first request's status.

A duplicate is never executed and costs nothing. A duplicate with the same correlation id and reply
topic is silent: its sender receives the first reply anyway.
"""

from __future__ import annotations

import orjson

from core.codecs import Codecs
from schemas.encoding.codec import Format, format_of
from schemas.errors import UndecodableError
from schemas.journal_headers import JournalKind
from schemas.records import Failure, Reply, TierMessage
from streams.agents.context.ports import KafkaPorts, Observers
from streams.agents.outcomes.outcome_details import latency_ms
from streams.agents.outcomes.replies import deliver
from streams.journal.admission import Duplicate
from streams.journal.partition_journal import OPEN
from streams.journal.sent_replies import RecordPlace, SentReplies


async def answer_duplicate(
    message: TierMessage, duplicate: Duplicate, kafka: KafkaPorts, observers: Observers
) -> None:
    """Reply to the sender of a duplicate request id."""
    first = None
    if duplicate.reply is not None:
        first = await _first_reply(message, duplicate.reply, kafka.codecs, kafka.sent_replies)
    reply = _status(message, duplicate.status, kafka.clock.now())
    await deliver(reply, message.reply_to, kafka, observers, again=first)


async def _first_reply(
    message: TierMessage, place: RecordPlace, codecs: Codecs, sent_replies: SentReplies
) -> bytes | None:
    """Return the reply at this position, if it is the request's and in the sender's format."""
    value = await sent_replies.read(place)
    if value is None:
        return None
    form = Format(message.reply_to.format)
    try:
        if format_of(value, framed=form is Format.CONFLUENT) is not form:
            return None
        if form is Format.JSON:
            request_id = orjson.loads(value)["request_id"]
        else:
            request_id = (await codecs.decode(codecs.reply, value))["request_id"]
    except (UndecodableError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return value if request_id == message.request_id else None


def _status(message: TierMessage, status: str, now: int) -> Reply:
    is_open = status == OPEN
    status_text = (
        "is still in progress; retry later to get its reply"
        if is_open
        else f"ended with status {status}, and its reply is no longer readable"
    )
    return Reply(
        request_id=message.request_id,
        tenant=message.tenant,
        status=JournalKind.REJECTED,
        latency_ms=latency_ms(message, now),
        cost_nano=0,
        error=Failure(
            code="duplicate_request",
            message=f"the earlier request with this id {status_text}",
            retryable=is_open,
        ),
    )
