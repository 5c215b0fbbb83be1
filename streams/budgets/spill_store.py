"""Accounts that are not charged lately, out of memory: a private database on disk.

It is no store of record: the log is, and what lies here is gone with the process. It only bounds
memory, without forgetting anybody.
"""

from __future__ import annotations

import sqlite3
from array import array

from streams.routing.budgets import Account


class AccountSpillStore:
    """Columns of numbers by account. The database has no name and vanishes when it is closed."""

    def __init__(self) -> None:
        self._rows: sqlite3.Connection | None = None
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, account: Account, numbers: array[int]) -> None:
        """Lay an account down; it was not here."""
        self._connected().execute(
            "INSERT INTO shelf VALUES (?, ?, ?, ?)", (*account, bytes(numbers))
        )
        self._count += 1

    def peek(self, account: Account) -> array[int] | None:
        """An account's numbers, if it is here; it stays."""
        if not self._count:
            return None
        return _numbers(
            self._connected()
            .execute(
                "SELECT numbers FROM shelf WHERE meter = ? AND start = ? AND subject = ?",
                (account.meter, account.start, account.subject),
            )
            .fetchone()
        )

    def take(self, account: Account) -> array[int] | None:
        """Take an account up again, if it is here."""
        if not self._count:
            return None
        found = (
            self._connected()
            .execute(
                "DELETE FROM shelf WHERE meter = ? AND start = ? AND subject = ? RETURNING numbers",
                (account.meter, account.start, account.subject),
            )
            .fetchone()
        )
        if found is not None:
            self._count -= 1
        return _numbers(found)

    def of(self, meter: str, start: int) -> list[Account]:
        """All accounts of a meter's window."""
        if not self._count:
            return []
        rows = self._connected().execute(
            "SELECT subject FROM shelf WHERE meter = ? AND start = ?", (meter, start)
        )
        return [Account(meter, subject, start) for (subject,) in rows]

    def drop(self, account: Account) -> None:
        """Forget an account."""
        self.take(account)

    def close(self) -> None:
        """Forget everything."""
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
                "CREATE TABLE shelf (meter TEXT, subject TEXT, start INTEGER, numbers BLOB, "
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
