"""Migrations on a real ClickHouse: from an empty server, again, and after one was edited."""

from __future__ import annotations

from dataclasses import replace

import pytest
from clickhouse_connect.driver.client import Client

from sinks.clickhouse.migrate import Migration, fill_in, migrate, migrations
from sinks.errors import EditedMigrationError
from sinks.settings import SinkSettings
from tests.fixtures.migrated import make_migrated


def test_from_nothing_every_table_and_view_is_there(client: Client, settings: SinkSettings) -> None:
    applied = migrate(client, settings)
    names = {row[0] for row in client.query("SHOW TABLES").result_rows}

    assert [each.number for each in applied] == list(range(1, len(applied) + 1))
    assert names >= {"calls", "quality", "outcomes", "dead_letters", "registry_versions"}
    assert names >= {"replay_decisions", "alerts", "sink_epochs", "requests", "spend"}


def test_a_second_run_applies_nothing(tables: Client, settings: SinkSettings) -> None:
    assert migrate(tables, settings) == []
    recorded = tables.query("SELECT number, checksum FROM schema_migrations ORDER BY 1").result_rows
    assert [tuple(row) for row in recorded] == [(m.number, m.checksum) for m in migrations()]


def test_the_copies_that_other_tests_use_are_as_migrations_leave_a_database(
    client: Client, settings: SinkSettings
) -> None:
    def objects(database: str) -> list[tuple[str, ...]]:
        rows = client.query(
            "SELECT name, engine, replaceAll(create_table_query, database, '') FROM system.tables "
            f"WHERE database = '{database}' ORDER BY name"
        ).result_rows
        return [tuple(row) for row in rows]

    migrate(client, settings)
    copy = settings.model_copy(
        update={"clickhouse_database": f"{settings.clickhouse_database}_copy"}
    )
    make_migrated(copy)

    assert objects(copy.clickhouse_database) == objects(settings.clickhouse_database)
    assert migrate(client, copy) == []
    client.command(f"DROP DATABASE {copy.clickhouse_database} SYNC")


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
