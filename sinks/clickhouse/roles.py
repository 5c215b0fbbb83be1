"""Two roles for people and tools that read the tables without us.

A reader sees every figure and no text that people or models wrote; an analyst sees all. Neither
writes. Views ask with the rights of who reads them, so that a question which needs a text
(`labels`) is refused to a reader, and every other one is answered.
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
"""Columns that a reader does not see: texts, providers' words about them, callers' headers."""

_WRITABLE = frozenset({"local_directory", "local directory", "memory", "replicated"})
"""User directories in which ClickHouse can make roles."""

INTERNAL = frozenset({"sink_epochs", "schema_migrations"})
"""Tables that say nothing about requests."""


def rights(role: str, columns: Mapping[str, Sequence[Column]]) -> list[str]:
    """What a role may read, as `SELECT ... ON database.table` with `${DATABASE}` left open.

    `columns` are those of each table and view. A table of which nothing is withheld is granted
    whole, with columns that it gets later; of the others only what is named.
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
    """What ClickHouse may read of a column by itself, for `IS NULL` and for a list's length."""
    parts = {"Nullable": ["null"], "Array": ["size0"]}.get(kind.partition("(")[0], [])
    return [name, *(f"`{name}.{part}`" for part in parts)]


def columns_of(client: Commands, settings: SinkSettings) -> dict[str, list[Column]]:
    """Columns of every table and view of the database."""
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
    """Whether some user directory can be written, unlike a file of users."""
    rows = client.query("SELECT type FROM system.user_directories").result_rows
    return any(kind in _WRITABLE for (kind,) in rows)


def create_roles(client: Commands, settings: SinkSettings) -> tuple[str, ...]:
    """Create both roles, or bring their rights up to date; their names.

    Raises:
        NoRolesError: the server has no place to keep roles, as the local pipeline's.
        Exception: the client's, where our user may not create roles or grant what it has.
    """
    if not _keeps_roles(client):
        raise NoRolesError(
            "this ClickHouse can't keep roles: its users stand in a file, and it has no other "
            "user directory. The local pipeline's is such a one (ClickHouse as a library); the "
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
