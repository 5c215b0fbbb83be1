"""Duplicate request ids: the sender gets the first reply again, or the first request's status.

A duplicate is never executed and costs nothing. A duplicate with the same correlation id and reply
topic is silent: its sender receives the first reply anyway.
"""

from __future__ import annotations

import logging

import orjson

from core.clock import Clock
from core.codecs import Codecs
from schemas.encoding.codec import Format, format_of
from schemas.errors import DeliveryError, UndecodableError
from schemas.journal_headers import JournalKind
from schemas.records import Failure, Reply
from streams.agents.context.hop_state import HopState
from streams.agents.context.ports import KafkaPorts, Observers
from streams.agents.outcomes.outcome import dead_letter_reply
from streams.agents.outcomes.outcome_details import latency_ms
from streams.agents.outcomes.replies import send_encoded, send_reply
from streams.journal.partition_journal import OPEN, Duplicate
from streams.journal.sent_replies import RecordPlace, SentReplies

log = logging.getLogger(__name__)


async def answer_duplicate(
    hop: HopState, duplicate: Duplicate, kafka: KafkaPorts, observers: Observers
) -> None:
    """Reply to the sender of a duplicate request id."""
    address = hop.message.reply_to
    again = (
        None
        if duplicate.reply is None
        else await _first_reply(hop, duplicate.reply, kafka.codecs, kafka.sent_replies)
    )
    told = _status(hop, duplicate.status, kafka.clock)
    try:
        if again is not None:
            await (await send_encoded(again, address, kafka.publisher))
        else:
            await (await send_reply(told, address, kafka.codecs, kafka.publisher))
    except DeliveryError as error:
        await dead_letter_reply(told, hop, error, kafka, observers)
        for record in hop.pending:
            await record


async def _first_reply(
    hop: HopState, place: RecordPlace, codecs: Codecs, sent_replies: SentReplies
) -> bytes | None:
    """Return the reply at this position, if it is the request's and in the sender's format."""
    value = await sent_replies.read(place)
    if value is None:
        return None
    form = Format(hop.message.reply_to.format)
    try:
        if format_of(value, framed=form is Format.CONFLUENT) is not form:
            return None
        if form is Format.JSON:
            request_id = orjson.loads(value)["request_id"]
        else:
            request_id = (await codecs.decode(codecs.reply, value))["request_id"]
    except (UndecodableError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return value if request_id == hop.message.request_id else None


def _status(hop: HopState, status: str, clock: Clock) -> Reply:
    is_open = status == OPEN
    said = (
        "is still in progress; retry later to get its reply"
        if is_open
        else f"ended with status {status}, and its reply is no longer readable"
    )
    return Reply(
        request_id=hop.message.request_id,
        tenant=hop.message.tenant,
        status=JournalKind.REJECTED,
        latency_ms=latency_ms(hop, clock),
        cost_nano=0,
        error=Failure(
            code="duplicate_request",
            message=f"the earlier request with this id {said}",
            retryable=is_open,
        ),
    )
