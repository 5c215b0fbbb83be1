"""How long ClickHouse keeps what people wrote, and how long rows.

Texts (prompts, answers, comments) are emptied where they stand, the row and its figures stay. Rows
go a whole part at a time, when its newest is old enough: a part holds at most a month, so rows may
stay a month longer than they must, and sums by the hour lose exactly the rows that are gone.
Ages count from `ingested_at`. Nothing is rewritten for it: ClickHouse applies it when it merges.
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
"""Columns that hold what people or models wrote, by table."""

KEPT = ("calls", "quality", "outcomes", "dead_letters", "alerts", "replay_decisions")
"""Tables whose rows may be let go; the others are small."""

_AGE = r"TTL toDateTime\(ingested_at\) \+ toIntervalDay\((\d+)\)"


def keep_only(client: Commands, settings: SinkSettings) -> list[str]:
    """Set the ages that the settings name where they differ; the statements that were run.

    Raises:
        Exception: the client's, where ClickHouse refuses one or does not answer.
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
    # What lies there already gets its age with its next merge, not by rewriting every part now.
    return (
        f"{start} {what} TTL toDateTime(ingested_at) + toIntervalDay({days}) "
        "SETTINGS materialize_ttl_after_modify = 0"
    )


def _days(pattern: str, statement: str) -> int:
    found = re.search(pattern, statement)
    return int(found[1]) if found else 0
