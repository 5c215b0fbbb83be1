"""How a client's request ended: its reply, or that there was none in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from schemas.callers.reply_json import reply_document
from schemas.errors import (
    DeadlineError,
    FailedRequestError,
    RejectedRequestError,
    UnansweredError,
)
from schemas.journal_headers import JournalKind
from schemas.records import NANO, Reply

_ERRORS: Mapping[str, type[UnansweredError]] = {
    JournalKind.REJECTED: RejectedRequestError,
    JournalKind.EXPIRED: DeadlineError,
}
"""Errors by status of a reply; any other status is a failure."""

NO_REPLY = "deadline_exceeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedReply:
    """A reply and its latency, ms, by this client's clock."""

    reply: Reply
    waited_ms: float

    @property
    def text(self) -> str:
        """Return the text of the answer; empty for one that only calls tools."""
        return self.message.get("content") or ""

    @property
    def message(self) -> dict[str, Any]:
        """Return the assistant message in OpenAI's form; empty without an answer."""
        found: dict[str, Any] = orjson.loads(self.reply.message or "{}")
        return found

    @property
    def cost_usd(self) -> Decimal | None:
        """Return the cost of all calls of the request, USD; `None` if it is not known."""
        nano = self.reply.cost_nano
        return None if nano is None else Decimal(nano) / NANO

    @property
    def document(self) -> dict[str, Any]:
        """Return the reply as the document that its JSON holds."""
        return reply_document(self.reply)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOutcome:
    """A request as it was sent, and its reply; `None` if there was none within `waited_s`.
    `note` is what else is known of a missing reply.
    """

    request: Mapping[str, Any]
    reply: ReceivedReply | None
    waited_s: float
    note: str = ""

    def answer(self) -> ReceivedReply:
        """Return the reply with its answer.

        Raises:
            RejectedRequestError, FailedRequestError: the reply says so.
            DeadlineError: there is no reply, or it says so.
        """
        received = self.reply
        if received is None:
            raise DeadlineError(
                f"no reply within {self.waited_s:g} s; check that workers run and that they permit "
                f"the reply topic (SLUICE_REPLY_TOPIC_PREFIXES){self.note}",
                request_id=str(self.request.get("request_id")),
                code=NO_REPLY,
                retryable=True,
            )
        reply = received.reply
        if reply.status == JournalKind.REPLIED:
            return received
        failure = reply.error
        assert failure is not None, "a reply without an answer has an error"
        raise _ERRORS.get(reply.status, FailedRequestError)(
            f"{reply.status}: {failure.message} ({failure.code})",
            request_id=reply.request_id,
            code=failure.code,
            retryable=failure.retryable,
        )
