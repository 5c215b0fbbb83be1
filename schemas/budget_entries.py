"""The values of the budgets' ledger: sums by subject and window, and marks of completeness.

Fields, units and meanings stand in `avro/budget_entry.avsc`. The key of a record holds everything
that tells one sum from another, so that compaction keeps the latest of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from schemas.errors import UndecodableError

NO_EXPECTATION = -1
"""Stands for an estimate of a call of which not even an expected cost is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEstimate:
    """A call that counts with its expected cost until its real one is booked."""

    call_id: str
    nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetEntry:
    """One record of the ledger; a mark where there is no subject."""

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
        """Budget, meter, subject, window and partition, as a JSON array."""
        return entry_key(self.budget, self.meter, self.subject, self.window_start, self.partition)


def entry_key(
    budget: str, meter: str, subject: str | None, window_start: int | None, partition: int
) -> bytes:
    """The key of a sum; of a mark, where subject and window are `None`."""
    return orjson.dumps([budget, meter, subject, window_start, partition])


def split_entry_key(key: bytes) -> tuple[str, str, str | None, int | None, int]:
    """Budget, meter, subject, window start (ms) and partition of a ledger key.

    Raises:
        UndecodableError: the bytes are no such key.
    """
    try:
        budget, meter, subject, window_start, partition = orjson.loads(key)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        raise UndecodableError("not a key of the budgets' ledger") from None
    fits = (
        isinstance(budget, str)
        and isinstance(meter, str)
        and isinstance(subject, str | None)
        and isinstance(window_start, int | None)
        and isinstance(partition, int)
    )
    if not fits or (subject is None) != (window_start is None):
        raise UndecodableError("not a key of the budgets' ledger")
    return budget, meter, subject, window_start, partition
