"""The values of the budget ledger: sums by subject and window, and completeness marks.

Fields, units and meanings are in `avro/budget_entry.avsc`. The key of a record contains everything
that distinguishes one sum from another, so that compaction keeps the latest of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from schemas.errors import UndecodableError

NO_EXPECTATION = -1
"""Marks the estimate of a call without an expected cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEstimate:
    """A call counted with its expected cost until its real cost is recorded."""

    call_id: str
    nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEntry:
    """One record of the ledger; a completeness mark if it has no subject."""

    budget: str
    meter: str
    subject: str | None = None
    window_start: int | None = None
    partition: int
    offset: int
    known_nano: int = 0
    estimated_nano: int = 0
    unpriced_calls: int = 0
    estimates: tuple[BudgetEstimate, ...] = ()
    alerted: float = 0.0
    read_to: int | None = None
    worker: str
    incarnation: str

    @property
    def key(self) -> bytes:
        """Return budget, meter, subject, window and partition as a JSON array."""
        return entry_key(self.budget, self.meter, self.subject, self.window_start, self.partition)


def entry_key(
    budget: str, meter: str, subject: str | None, window_start: int | None, partition: int
) -> bytes:
    """Return the key of a sum; of a mark if subject and window are `None`."""
    return orjson.dumps([budget, meter, subject, window_start, partition])


def split_entry_key(key: bytes) -> tuple[str, str, str | None, int | None, int]:
    """Return budget, meter, subject, window start (ms) and partition of a ledger key.

    Raises:
        UndecodableError: the bytes are not a ledger key.
    """
    try:
        budget, meter, subject, window_start, partition = orjson.loads(key)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise UndecodableError("not a key of the budget ledger") from None
    fits = (
        isinstance(budget, str)
        and isinstance(meter, str)
        and isinstance(subject, str | None)
        and isinstance(window_start, int | None)
        and isinstance(partition, int)
    )
    if not fits or (subject is None) != (window_start is None):
        raise UndecodableError("not a key of the budget ledger")
    return budget, meter, subject, window_start, partition
