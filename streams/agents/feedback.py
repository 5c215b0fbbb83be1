"""Feedback: a caller's score of an answer becomes a quality event."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Outgoing
from schemas.encoding.avro_mapping import as_record
from schemas.errors import UndecodableError
from schemas.events import FEEDBACK, QualityEvent
from schemas.identity import NAME, REQUEST_ID
from schemas.topics import QUALITY
from streams.agents.context.dependencies import Dependencies
from streams.flow.dispatcher import Work
from streams.redaction.redactor import redact

UNMATCHED = "unmatched"
"""Cause of the dead letter of feedback that matches requests of several tenants."""

_UNMATCHED_REASON = (
    "the feedback has no tenant and matches several; set `tenant` to the one of the reply"
)


class FeedbackDocument(BaseModel):
    """Feedback as callers publish it; a score is 0..1. Without a tenant it is matched by its
    request id, if that is unambiguous.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    request_id: str = Field(pattern=f"^{REQUEST_ID.pattern}$")
    tenant: str | None = Field(default=None, pattern=f"^{NAME.pattern}$")
    score: float | None = Field(default=None, ge=0, le=1)
    label: str | None = Field(default=None, max_length=128)
    comment: str | None = Field(default=None, max_length=4_000)


async def take_feedback(work: Work, deps: Dependencies) -> None:
    """Handle one feedback record; return when its event or dead letter is acknowledged."""
    message = work.message
    try:
        document = await _read(message, deps.kafka.codecs)
    except UndecodableError as error:
        await (await deps.kafka.dead_letters.put(message, "undecodable", str(error)))
        return
    if work.tries.failed == 0:
        deps.kafka.dead_letters.passed(message)
    tenant = document.tenant or deps.kafka.journals.tenant_of(
        document.request_id, deps.declared_tenants
    )
    if tenant is None:
        await (
            await deps.kafka.dead_letters.put(message, UNMATCHED, _UNMATCHED_REASON, was_read=True)
        )
        return
    privacy = deps.registry.snapshot.privacy
    comment = document.comment if privacy.store_comments else None
    label = document.label and redact(document.label, privacy.redact)
    event = QualityEvent(
        tenant=tenant,
        request_id=document.request_id,
        at=message.timestamp,
        signal=FEEDBACK,
        name=label or "score",
        score=document.score,
        label=label,
        comment=None if comment is None else redact(comment, privacy.redact),
        worker=deps.kafka.me.worker,
    )
    record = Outgoing(
        topic=QUALITY, key=event.key, value=deps.kafka.codecs.quality.encode(as_record(event))
    )
    await (await deps.kafka.publisher.publish(record))
    await deps.observers.report(deps.observers.drift_monitor.fed_back(event.key, event.score))


async def _read(message: Incoming, codecs: Codecs) -> FeedbackDocument:
    if message.value is None:
        raise UndecodableError("the value is null")
    record = await codecs.decode(codecs.feedback, message.value)
    try:
        return FeedbackDocument.model_validate(record)
    except ValidationError as error:
        fields = ", ".join(str(item["loc"][0]) for item in error.errors() if item["loc"])
        raise UndecodableError(f"feedback has invalid fields: {fields}") from None
