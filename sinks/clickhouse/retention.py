"""Retention of texts and rows in ClickHouse.

Texts (prompts, answers, comments) are cleared; the row and its figures are kept. Rows are deleted
by part, when the newest row of the part is old enough. A part covers at most a month, so rows may
be kept a month longer than configured, and hourly sums lose exactly the deleted rows. Ages count
from `ingested_at`. ClickHouse applies the retention in merges; no data is rewritten for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from string import Template

from sinks.clickhouse.migrate import Commands, fill_in
from sinks.settings import SinkSettings

TEXTS: Mapping[str, tuple[str, ...]] = {
    "outcomes": ("prompt", "answer"),
    "quality": ("comment", "detail"),
}
"""Columns with texts of people or models, by table."""

KEPT = ("calls", "quality", "outcomes", "dead_letters", "alerts", "replay_decisions")
"""Tables with row retention; the others are small."""

_AGE = r"TTL toDateTime\(ingested_at\) \+ toIntervalDay\((\d+)\)"


def keep_only(client: Commands, settings: SinkSettings) -> list[str]:
    """Set the configured ages where they differ; return the executed statements.

    Raises:
        Exception: the client's, if ClickHouse rejects a statement or does not respond.
    """
    found = client.query(
        "SELECT name, create_table_query FROM system.tables "
        f"WHERE database = '{settings.clickhouse_database}'"
    ).result_rows
    statements = [fill_in(each, settings) for each in _changes(dict(found), settings)]
    for statement in statements:
        client.command(statement)
    return statements


def _changes(tables: Mapping[str, str], settings: SinkSettings) -> Iterator[str]:
    for table, columns in TEXTS.items():
        for column in columns:
            has = _days(rf"`{column}` [^`]*{_AGE}", tables[table])
            if has != settings.text_days:
                yield _alter(table, f"MODIFY COLUMN {column}", settings.text_days)
    for table in KEPT:
        has = _days(rf"ORDER BY .*{_AGE}", tables[table])
        if has == settings.row_days:
            continue
        if settings.row_days:
            yield _alter(table, "MODIFY SETTING ttl_only_drop_parts = 1")
        yield _alter(table, "MODIFY" if settings.row_days else "", settings.row_days)


def _alter(table: str, what: str, days: int | None = None) -> str:
    start = Template("ALTER TABLE ${DATABASE}.$table ${ON_CLUSTER}").safe_substitute(table=table)
    if days is None:
        return f"{start} {what}"
    if not days:
        return f"{start} {what} REMOVE TTL"
    # Existing parts get the age with their next merge, instead of a rewrite of every part now.
    return (
        f"{start} {what} TTL toDateTime(ingested_at) + toIntervalDay({days}) "
        "SETTINGS materialize_ttl_after_modify = 0"
    )


def _days(pattern: str, statement: str) -> int:
    found = re.search(pattern, statement)
    return int(found[1]) if found else 0
