"""The headers of a journal record, which workers read without decoding the value.

Every record of the outcomes topic has them; its key is the identity. Cost events have `call-id` and
`incarnation`, and `cut-off` if a worker that shuts down records its own call as interrupted. Values
are ASCII. Readers ignore records of unknown kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.encoding.value_checks import INT64_DIGITS, MAX_TIME_MS
from schemas.errors import UndecodableError

KIND = "kind"
HOP = "hop"
VISIT = "visit"
ORIGIN = "origin"
DIGEST = "reply-digest"
CALL_ID = "call-id"
LEASE = "lease-until"
WORKER = "worker"
INCARNATION = "incarnation"
CUT_OFF = "cut-off"
"""Header of a cost event: its worker shut down in an orderly way before the call ended."""

CANCELS_UNTIL = "cancels-until"
"""Header of a record that asks to cancel: the deadline of its request, broker time, ms."""

REPLY_AT = "reply-at"
"""Header of a terminal record: the position of its reply, `topic:partition:offset`."""


class JournalKind(StrEnum):
    """The kinds of journal records. The terminal ones are also the statuses of replies."""

    STARTED = "started"
    """A provider call of the hop begins."""
    PARKED = "parked"
    """The hop waits on a wait topic for capacity."""
    ESCALATED = "escalated"
    """The request moves to another tier's topic."""
    REPLIED = "replied"
    """Terminal: the request has an answer."""
    FAILED = "failed"
    """Terminal: no model could answer."""
    REJECTED = "rejected"
    """Terminal: the request was refused before a call."""
    EXPIRED = "expired"
    """Terminal: the deadline passed."""
    CANCELLING = "cancelling"
    """The caller asks to cancel the request: the hop that is in work, or the next one, rejects it.
    """


TERMINAL = frozenset(
    {JournalKind.REPLIED, JournalKind.FAILED, JournalKind.REJECTED, JournalKind.EXPIRED}
)
HOP_ENDS = TERMINAL | {JournalKind.PARKED, JournalKind.ESCALATED}
"""Kinds that complete a hop."""

Headers = list[tuple[str, bytes]]

MAX_COUNT = 2**31 - 1
"""The maximum of hop and visit: an Avro `int`."""


def header_values(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, bytes]:
    """Return the headers of a record by name: the last of equal names, null as empty."""
    return {name: value or b"" for name, value in headers}


def without_nulls(headers: Iterable[tuple[str, bytes | None]]) -> Headers:
    """Return the headers of a record in order, null as empty."""
    return [(name, value or b"") for name, value in headers]


def _text_in(headers: Mapping[str, bytes], name: str) -> str:
    value = headers[name]
    if not value:
        raise ValueError(f"{name} is empty")
    return value.decode()


def count_in(headers: Mapping[str, bytes], name: str, greatest: int = MAX_COUNT) -> int:
    """Parse an integer header from -1, the hop of a classifier's call, to `greatest`.

    Raises:
        KeyError: the header is missing.
        ValueError: the value is not such an integer.
    """
    value = headers[name]
    if not value.removeprefix(b"-").isdigit() or len(value) > INT64_DIGITS:
        raise ValueError(f"{name} is not a count")
    count = int(value)
    if not -1 <= count <= greatest:
        raise ValueError(f"{name} is out of range")
    return count


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalHeaders:
    """The headers of one journal record.

    `origin` is `topic:partition:offset` of the caller's request; `lease_until` and `cancels_until`
    are broker time, ms.
    """

    kind: str
    hop: int
    visit: int
    origin: str
    digest: str
    worker: str
    incarnation: str
    call_id: str | None = None
    lease_until: int | None = None
    reply_at: str | None = None
    cancels_until: int | None = None

    @property
    def final(self) -> bool:
        """Return whether the record ends its request."""
        return self.kind in TERMINAL

    def encode(self) -> Headers:
        """Encode as Kafka headers."""
        headers = [
            (KIND, self.kind.encode()),
            (HOP, b"%d" % self.hop),
            (VISIT, b"%d" % self.visit),
            (ORIGIN, self.origin.encode()),
            (DIGEST, self.digest.encode()),
            (WORKER, self.worker.encode()),
            (INCARNATION, self.incarnation.encode()),
        ]
        if self.call_id is not None:
            headers.append((CALL_ID, self.call_id.encode()))
        if self.lease_until is not None:
            headers.append((LEASE, b"%d" % self.lease_until))
        if self.reply_at is not None:
            headers.append((REPLY_AT, self.reply_at.encode()))
        if self.cancels_until is not None:
            headers.append((CANCELS_UNTIL, b"%d" % self.cancels_until))
        return headers

    @classmethod
    def decode(cls, headers: Iterable[tuple[str, bytes | None]]) -> JournalHeaders:
        """Decode Kafka headers.

        Raises:
            UndecodableError: a header is missing or malformed.
        """
        found = header_values(headers)
        try:
            return cls(
                kind=_text_in(found, KIND),
                hop=count_in(found, HOP),
                visit=count_in(found, VISIT),
                origin=found[ORIGIN].decode(),
                digest=found[DIGEST].decode(),
                worker=found[WORKER].decode(),
                incarnation=found[INCARNATION].decode(),
                call_id=found[CALL_ID].decode() if CALL_ID in found else None,
                lease_until=count_in(found, LEASE, MAX_TIME_MS) if LEASE in found else None,
                reply_at=found[REPLY_AT].decode() if REPLY_AT in found else None,
                cancels_until=(
                    count_in(found, CANCELS_UNTIL, MAX_TIME_MS) if CANCELS_UNTIL in found else None
                ),
            )
        except (KeyError, ValueError) as error:
            raise UndecodableError(f"not a journal record: header {error}") from None
