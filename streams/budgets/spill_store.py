"""Spill store: least recently charged accounts in a private database on disk.

It is no store of record: that is the log, and the contents are lost with the process. It bounds
memory without dropping accounts.
"""

from __future__ import annotations

import sqlite3
from array import array

from streams.routing.budgets import Account


class AccountSpillStore:
    """Columns of numbers by account. The database has no name and vanishes on close."""

    def __init__(self) -> None:
        self._rows: sqlite3.Connection | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, account: Account, numbers: array[int]) -> None:
        """Store an account, which was not there."""
        self._connected().execute(
            "INSERT INTO spill VALUES (?, ?, ?, ?)", (*account, bytes(numbers))
        )
        self._count += 1

    def peek(self, account: Account) -> array[int] | None:
        """Return an account's numbers, if it is there, and keep it."""
        if not self._count:
            return None
        return _numbers(
            self._connected()
            .execute(
                "SELECT numbers FROM spill WHERE meter = ? AND start = ? AND subject = ?",
                (account.meter, account.start, account.subject),
            )
            .fetchone()
        )

    def take(self, account: Account) -> array[int] | None:
        """Remove and return an account, if it is there."""
        if not self._count:
            return None
        found = (
            self._connected()
            .execute(
                "DELETE FROM spill WHERE meter = ? AND start = ? AND subject = ? RETURNING numbers",
                (account.meter, account.start, account.subject),
            )
            .fetchone()
        )
        if found is not None:
            self._count -= 1
        return _numbers(found)

    def of(self, meter: str, start: int) -> list[Account]:
        """Return all accounts of a meter's window."""
        if not self._count:
            return []
        rows = self._connected().execute(
            "SELECT subject FROM spill WHERE meter = ? AND start = ?", (meter, start)
        )
        return [Account(meter, subject, start) for (subject,) in rows]

    def drop(self, account: Account) -> None:
        """Remove an account."""
        self.take(account)

    def close(self) -> None:
        """Remove all accounts."""
        if self._rows is not None:
            self._rows.close()
            self._rows = None
            self._count = 0

    def _connected(self) -> sqlite3.Connection:
        if self._rows is None:
            rows = sqlite3.connect("", isolation_level=None)
            rows.execute("PRAGMA journal_mode = OFF")
            rows.execute("PRAGMA synchronous = OFF")
            rows.execute(
                "CREATE TABLE spill (meter TEXT, subject TEXT, start INTEGER, numbers BLOB, "
                "PRIMARY KEY (meter, start, subject)) WITHOUT ROWID"
            )
            self._rows = rows
        return self._rows


def _numbers(row: tuple[bytes] | None) -> array[int] | None:
    if row is None:
        return None
    numbers = array("q")
    numbers.frombytes(row[0])
    return numbers
