"""A record that its reader can't use, and how it is told: one form for every process.

Readers pass over such a record. It is counted, an alert names its place, and the sink puts it on
the topic's dead-letter topic where one is declared.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import SluiceError
from schemas.journal_headers import Headers

LONGEST_REASON = 1_024
"""Characters: a reason may name a field, and a field's name may be of any length."""

DLQ_CAUSE, DLQ_REASON = "dlq-cause", "dlq-reason"
DLQ_SOURCE, DLQ_WORKER = "dlq-source", "dlq-worker"
"""Headers of a dead letter: cause, reason, `topic:partition:offset`, who set it aside."""

UNDECODABLE = "undecodable"
"""Cause of a dead letter that can't be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """Where it lies, and why it can't be used; `reason` quotes no content."""

    topic: str
    partition: int
    offset: int
    reason: str

    @property
    def place(self) -> str:
        """`topic:partition:offset`."""
        return f"{self.topic}:{self.partition}:{self.offset}"

    @property
    def in_words(self) -> str:
        """As alert and log say it."""
        return f"{self.place} is passed over: {self.reason[:LONGEST_REASON]}"


def dead_letter_headers(bad: BadRecord, *, cause: str, worker: str) -> Headers:
    """The headers that a dead letter gets beside its own."""
    return [
        (DLQ_CAUSE, cause.encode()),
        (DLQ_REASON, bad.reason[:LONGEST_REASON].encode()),
        (DLQ_SOURCE, bad.place.encode()),
        (DLQ_WORKER, worker.encode()),
    ]


def kept_value(key: bytes | None, value: bytes | None) -> bytes | None:
    """The value of a dead letter: as it was, or empty where key and value are both null, since
    aiokafka writes no such record.
    """
    return b"" if key is None and value is None else value


def reason_of(error: Exception) -> str:
    """Why a record can't be used, from what its reader raised: errors of ours say it in words, of
    others only the type is told, for their text may quote the record.
    """
    return str(error) if isinstance(error, SluiceError) else f"{type(error).__name__} while reading"
