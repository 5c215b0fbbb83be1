"""Errors of the sink, under `schemas.errors.SinkError`.

SinkError
├── FencedError (schemas)   a successor has a higher epoch for this partition
├── UnreachableError        no response: the request may have been executed or not
├── ClickHouseRefusedError  ClickHouse returned an error: nothing was stored
├── BatchUnverifiedError    ClickHouse could not read a batch: verify each row
├── LeaseInvalidatedError   an insert of several partitions failed: lease each again
├── UnstorableRowsError     ClickHouse rejects verified rows: one of them is the cause
├── LogRecreatedError       a topic ends before its stored offset
├── NoRolesError            the server cannot store roles
├── EditedMigrationError    an applied migration was edited
├── UnknownQueryError       no named query has this name
└── QueryParameterError     a query has an unknown or missing parameter
"""

from __future__ import annotations

from schemas.errors import SinkError


class UnreachableError(SinkError):
    """No response from ClickHouse: the request may have been executed or not."""


class ClickHouseRefusedError(SinkError):
    """ClickHouse returned an error; `code` is its number, if it gave one."""

    def __init__(self, message: str, *, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class LogRecreatedError(SinkError):
    """A topic ends before its stored offsets: it was deleted and recreated."""


class NoRolesError(SinkError):
    """The server cannot store roles."""


class EditedMigrationError(SinkError):
    """The text of a migration differs from the applied text."""


class UnknownQueryError(SinkError):
    """No named query has this name."""


class QueryParameterError(SinkError):
    """A named query has an unknown or missing parameter."""


class UnstorableRowsError(SinkError):
    """ClickHouse rejects a batch of verified rows: the value of one of them is the cause."""


class LeaseInvalidatedError(SinkError):
    """An insert of several partitions failed, or is late: each must be leased again."""


class BatchUnverifiedError(SinkError):
    """ClickHouse could not read a batch; its rows up to `last` are read again and verified one by
    one.
    """

    def __init__(self, last: int) -> None:
        super().__init__(f"ClickHouse could not read rows up to offset {last}")
        self.last = last
