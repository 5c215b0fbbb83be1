"""Schema migrations of ClickHouse: numbered SQL files, each applied once.

An applied migration is recorded with the checksum of its text. An applied file that was edited
later is rejected: write a new file instead. Every statement is idempotent, so that an interrupted
migration can run again. The settings fill in `${DATABASE}`, `${ON_CLUSTER}` and `${MERGE_TREE}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from string import Template
from typing import Any, Protocol

from sinks.errors import EditedMigrationError
from sinks.settings import SinkSettings

_RECORD = "schema_migrations"
_RECORD_TABLE = f"""
CREATE TABLE IF NOT EXISTS ${{DATABASE}}.{_RECORD} ${{ON_CLUSTER}}
(
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ${{MERGE_TREE}}
ORDER BY number
"""


class Commands(Protocol):
    """The interface of ClickHouse for migrations, implemented by a clickhouse-connect client."""

    def command(self, cmd: str, parameters: Any = None) -> Any:
        """Run a statement."""
        ...

    def query(self, query: str) -> Any:
        """Run a query; the result's `result_rows` are its rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file: its number, its name, its original text."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Return the SHA-256 of the text, hex."""
        return sha256(self.text.encode()).hexdigest()

    def statements(self, settings: SinkSettings) -> Iterator[str]:
        """Yield its statements, filled in."""
        filled = fill_in(self.text, settings)
        for statement in filled.split(";\n"):
            lines = (line for line in statement.splitlines() if not line.startswith("--"))
            text = "\n".join(lines).strip().removesuffix(";")
            if text:
                yield text


def fill_in(text: str, settings: SinkSettings) -> str:
    """Return a statement with the settings' database, cluster clause and table engine."""
    cluster = settings.clickhouse_cluster
    return Template(text).substitute(
        DATABASE=settings.clickhouse_database,
        ON_CLUSTER=f"ON CLUSTER '{cluster}'" if cluster else "",
        MERGE_TREE="ReplicatedMergeTree" if cluster else "MergeTree",
    )


def migrations() -> tuple[Migration, ...]:
    """Return all migrations, in order."""
    folder = resources.files("sinks").joinpath("migrations")
    found = []
    for entry in folder.iterdir():
        number, _, name = entry.name.removesuffix(".sql").partition("_")
        if entry.name.endswith(".sql"):
            found.append(Migration(number=int(number), name=name, text=entry.read_text()))
    return tuple(sorted(found, key=lambda migration: migration.number))


def migrate(
    client: Commands, settings: SinkSettings, files: Sequence[Migration] | None = None
) -> list[Migration]:
    """Apply pending migrations and return them.

    Raises:
        EditedMigrationError: an applied file was edited; nothing was applied.
    """
    wanted = migrations() if files is None else tuple(files)
    database = settings.clickhouse_database
    client.command(fill_in("CREATE DATABASE IF NOT EXISTS ${DATABASE} ${ON_CLUSTER}", settings))
    client.command(fill_in(_RECORD_TABLE, settings))
    rows = client.query(f"SELECT number, checksum FROM {database}.{_RECORD}").result_rows
    applied: dict[int, str] = dict(rows)
    for migration in wanted:
        if applied.get(migration.number, migration.checksum) != migration.checksum:
            raise EditedMigrationError(
                f"migration {migration.number:03} ({migration.name}) was edited after it was "
                f"applied to database {database}; undo the edit and write a new migration"
            )
    fresh = [migration for migration in wanted if migration.number not in applied]
    for migration in fresh:
        for statement in migration.statements(settings):
            client.command(statement)
        client.command(
            f"INSERT INTO {database}.{_RECORD} (number, name, checksum) "
            "VALUES ({number:UInt32}, {name:String}, {checksum:String})",
            parameters={
                "number": migration.number,
                "name": migration.name,
                "checksum": migration.checksum,
            },
        )
    return fresh
