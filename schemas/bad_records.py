"""A record that its reader cannot use, reported in one form by every process.

Readers skip such a record and count it. An alert names its topic, partition and offset. The sink
copies it to the topic's dead-letter topic if one is declared.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import SluiceError
from schemas.journal_headers import Headers

LONGEST_REASON = 1_024
"""Characters. A reason may contain a field name of any length."""

DLQ_CAUSE, DLQ_REASON = "dlq-cause", "dlq-reason"
DLQ_SOURCE, DLQ_WORKER = "dlq-source", "dlq-worker"
"""Headers of a dead letter: cause, reason, `topic:partition:offset`, worker."""

UNDECODABLE = "undecodable"
"""Cause of an unreadable dead letter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRecord:
    """Position of a bad record and the reason; `reason` quotes no content."""

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
        """Return the text for alert and log."""
        return f"record {self.place} skipped: {self.reason[:LONGEST_REASON]}"


def dead_letter_headers(bad: BadRecord, *, cause: str, worker: str) -> Headers:
    """Return the headers that are added to a dead letter."""
    return [
        (DLQ_CAUSE, cause.encode()),
        (DLQ_REASON, bad.reason[:LONGEST_REASON].encode()),
        (DLQ_SOURCE, bad.place.encode()),
        (DLQ_WORKER, worker.encode()),
    ]


def kept_value(key: bytes | None, value: bytes | None) -> bytes | None:
    """Return the value of a dead letter: unchanged, or empty if key and value are both null,
    because aiokafka does not write such a record.
    """
    return b"" if key is None and value is None else value


def reason_of(error: Exception) -> str:
    """Return the reason from the reader's exception. For exceptions of other libraries return the
    type only, because their text may quote the record.
    """
    return str(error) if isinstance(error, SluiceError) else f"{type(error).__name__} while reading"
