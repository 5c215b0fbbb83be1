"""Two roles for people and tools that read the tables directly.

A reader sees all figures but no text of people or models; an analyst sees everything. Neither can
write. Views run with the rights of the invoker, so that a query which needs a text (`labels`) is
rejected for a reader, and every other one works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from sinks.clickhouse.migrate import Commands, fill_in
from sinks.clickhouse.retention import TEXTS
from sinks.errors import NoRolesError
from sinks.settings import SinkSettings

Column = tuple[str, str]
"""Name and type."""

READER = "sluice_reader"
ANALYST = "sluice_analyst"

WITHHELD: Mapping[str, frozenset[str]] = {
    **{table: frozenset(columns) for table, columns in TEXTS.items()},
    "outcomes": frozenset({*TEXTS["outcomes"], "error_message"}),
    "dead_letters": frozenset({"headers"}),
}
"""Columns hidden from a reader: texts, error messages of providers, headers of callers."""

_WRITABLE = frozenset({"local_directory", "local directory", "memory", "replicated"})
"""User directories in which ClickHouse can create roles."""

INTERNAL = frozenset({"sink_epochs", "schema_migrations"})
"""Tables without request data."""


def rights(role: str, columns: Mapping[str, Sequence[Column]]) -> list[str]:
    """Return the grants of a role as `SELECT ... ON database.table`, with `${DATABASE}` as
    placeholder.

    `columns` has the columns of each table and view. A table without hidden columns is granted
    completely, including future columns; of the others only the listed columns are granted.
    """
    granted = sorted(set(columns) - INTERNAL)
    return [f"SELECT{_only(columns[each], each, role)} ON ${{DATABASE}}.{each}" for each in granted]


def _only(columns: Sequence[Column], table: str, role: str) -> str:
    withheld = WITHHELD.get(table)
    if role == ANALYST or not withheld:
        return ""
    names = [each for name, kind in columns if name not in withheld for each in _read(name, kind)]
    return f"({', '.join(names)})"


def _read(name: str, kind: str) -> list[str]:
    """Return the subcolumns that ClickHouse may read on its own, for `IS NULL` and for a list's
    length.
    """
    parts = {"Nullable": ["null"], "Array": ["size0"]}.get(kind.partition("(")[0], [])
    return [name, *(f"`{name}.{part}`" for part in parts)]


def columns_of(client: Commands, settings: SinkSettings) -> dict[str, list[Column]]:
    """Return the columns of every table and view of the database."""
    rows = client.query(
        "SELECT t.name, c.name, c.type FROM system.tables AS t "
        "LEFT JOIN system.columns AS c ON c.database = t.database AND c.table = t.name "
        f"WHERE t.database = '{settings.clickhouse_database}' ORDER BY t.name, c.position"
    ).result_rows
    return {
        table: [(name, kind) for _, name, kind in found]
        for table, found in groupby(rows, lambda row: row[0])
    }


def _keeps_roles(client: Commands) -> bool:
    """Return whether a user directory is writable, unlike a users file."""
    rows = client.query("SELECT type FROM system.user_directories").result_rows
    return any(kind in _WRITABLE for (kind,) in rows)


def create_roles(client: Commands, settings: SinkSettings) -> tuple[str, ...]:
    """Create both roles, or update their rights; return their names.

    Raises:
        NoRolesError: the server cannot store roles, like the local pipeline's.
        Exception: the client's, if its user may not create roles or grant its rights.
    """
    if not _keeps_roles(client):
        raise NoRolesError(
            "this ClickHouse cannot store roles: its users are in a file, and it has no other "
            "user directory. This applies to the local pipeline (ClickHouse as a library); the "
            "tables are migrated. For roles use a ClickHouse server: SLUICE_CLICKHOUSE_URL=... "
            "sluice migrate --roles"
        )
    columns = columns_of(client, settings)
    for role in (READER, ANALYST):
        client.command(fill_in(f"CREATE ROLE IF NOT EXISTS {role} ${{ON_CLUSTER}}", settings))
        client.command(
            fill_in(f"REVOKE ${{ON_CLUSTER}} ALL ON ${{DATABASE}}.* FROM {role}", settings)
        )
        for right in rights(role, columns):
            client.command(fill_in(f"GRANT ${{ON_CLUSTER}} {right} TO {role}", settings))
    return READER, ANALYST
