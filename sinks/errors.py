"""What can go wrong between the log and the tables, under `schemas.errors.SinkError`.

SinkError
├── FencedError (schemas)   a successor holds a higher epoch for this partition
├── UnreachableError        no answer came: what was asked may have happened or not
├── RefusedError            ClickHouse answered with an error: nothing was stored
├── DoubtfulRowsError       ClickHouse could not read a batch: each row must be proven
├── SpentClaimError         an insert of several partitions failed: claim each anew
├── UnstorableRowsError     ClickHouse refuses rows that are proven: one of them is to blame
├── LogRecreatedError       a topic ends before what is stored of it
├── NoRolesError            the server has no place where roles can be kept
├── EditedMigrationError    an applied migration was edited
├── UnknownQueryError       no analytics query has this name
└── QueryParameterError     a query was given a parameter that it lacks, or lacks one
"""

from __future__ import annotations

from schemas.errors import SinkError


class UnreachableError(SinkError):
    """No answer came from ClickHouse: what was asked may have happened or not."""


class ClickHouseRefusedError(SinkError):
    """ClickHouse answered with an error; `code` is its number, where it gave one."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class LogRecreatedError(SinkError):
    """A topic ends before the offsets that are stored of it: it was deleted and made again."""


class NoRolesError(SinkError):
    """The server has no place where roles can be kept."""


class EditedMigrationError(SinkError):
    """The text of a migration differs from the one that was applied."""


class UnknownQueryError(SinkError):
    """No analytics query has this name."""


class QueryParameterError(SinkError):
    """An analytics query was given a parameter that it does not have, or lacks one."""


class UnstorableRowsError(SinkError):
    """ClickHouse refuses a batch whose rows are proven: the value of one of them is to blame."""


class LeaseInvalidatedError(SinkError):
    """An insert of several partitions failed, or is late: each is to be claimed anew."""


class BatchUnverifiedError(SinkError):
    """ClickHouse could not read a batch; its rows up to `last` are read again, each one proven."""

    def __init__(self, last: int) -> None:
        super().__init__(f"ClickHouse could not read rows up to offset {last}")
        self.last = last
