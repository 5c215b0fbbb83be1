"""Migrations on a real ClickHouse: from nothing, again, and after somebody edited one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from sinks.errors import EditedMigrationError
from sinks.migrate import Migration, fill_in, migrate, migrations
from sinks.settings import SinkSettings
from tests.fixtures.migrated import copy_migrated


def test_from_nothing_every_table_and_view_is_there(client: Client, settings: SinkSettings) -> None:
    applied = migrate(client, settings)
    names = {row[0] for row in client.query("SHOW TABLES").result_rows}

    assert [each.number for each in applied] == list(range(1, len(applied) + 1))
    assert names >= {"calls", "quality", "outcomes", "dead_letters", "registry_versions"}
    assert names >= {"replay_decisions", "alerts", "sink_epochs", "requests", "spend"}


def test_a_second_run_applies_nothing(client: Client, settings: SinkSettings) -> None:
    migrate(client, settings)

    assert migrate(client, settings) == []
    recorded = client.query("SELECT number, checksum FROM schema_migrations ORDER BY 1").result_rows
    assert [tuple(row) for row in recorded] == [(m.number, m.checksum) for m in migrations()]


def test_the_copies_that_other_tests_use_are_what_migrations_make(
    client: Client, settings: SinkSettings, clickhouse: str
) -> None:
    copied = f"{settings.clickhouse_database}_copied"
    migrate(client, settings)
    copy_migrated(client, clickhouse, copied)
    try:
        made = _made(client, settings.clickhouse_database)
        assert len(made) >= 20
        assert _made(client, copied) == made
    finally:
        client.command(f"DROP DATABASE {copied} SYNC")


def _made(client: Client, database: str) -> dict[str, str]:
    """The statement that creates each table and view, without the database's name."""
    query = f"SELECT name, create_table_query FROM system.tables WHERE database = '{database}'"
    found = client.query(query).result_rows
    return {name: created.replace(f"{database}.", "") for name, created in found}


def test_a_migration_that_was_edited_is_refused_and_nothing_is_applied(
    client: Client, settings: SinkSettings
) -> None:
    first, second, *_ = migrations()
    migrate(client, settings, [first])
    edited = replace(first, text=first.text + "-- later\n")

    with pytest.raises(EditedMigrationError, match=r"001 \(sink_epochs\) was edited"):
        migrate(client, settings, [edited, second])
    assert migrate(client, settings, [first]) == []
    assert "calls" not in {row[0] for row in client.query("SHOW TABLES").result_rows}


def test_a_migration_that_was_interrupted_is_run_again(
    client: Client, settings: SinkSettings
) -> None:
    files = migrations()
    client.command(next(iter(files[0].statements(settings))))

    assert len(migrate(client, settings, files)) == len(files)


def test_on_a_cluster_tables_are_replicated_everywhere(settings: SinkSettings) -> None:
    clustered = settings.model_copy(update={"clickhouse_cluster": "east"})
    for migration in migrations():
        for statement in migration.statements(clustered):
            assert "ON CLUSTER 'east'" in statement
            assert "ENGINE" not in statement or "= ReplicatedMergeTree" in statement


def test_a_statement_is_not_cut_at_a_semicolon_inside_a_line() -> None:
    text = "-- a; b\nSELECT 'x; y';\n\nSELECT 2;\n"
    found = list(Migration(number=1, name="n", text=text).statements(SinkSettings()))

    assert found == ["SELECT 'x; y'", "SELECT 2"]


def test_an_unknown_place_holder_is_not_passed_on() -> None:
    with pytest.raises(KeyError):
        fill_in("SELECT ${COLOUR}", SinkSettings())
