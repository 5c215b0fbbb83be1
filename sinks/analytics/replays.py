"""Data for replays in ClickHouse: recorded decisions by position, runs with their rows, scores.

The statements are in `sinks/replay`. They are not queries of `sluice query`: they read a complete
run, in log order, for a program.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

from clickhouse_connect.driver.exceptions import Error as DriverError

from sinks.clickhouse.connection import LOST, connect, sink_error
from sinks.settings import SinkSettings

_READING: dict[str, Any] = {
    "readonly": 2,
    "max_execution_time": 300,
    "max_block_size": 1_000,
    "join_use_nulls": 1,
}

Row = dict[str, Any]


class ReplayTablesClient:
    """Reads the tables for replays; one connection."""

    def __init__(self, settings: SinkSettings) -> None:
        self._client = connect(settings)
        self._client.database = settings.clickhouse_database

    def rows(self, name: str, **parameters: Any) -> Iterator[Row]:
        """Yield the rows of a statement by column name; times are in ms.

        Raises:
            UnreachableError: ClickHouse does not respond.
            ClickHouseRefusedError: ClickHouse returns an error, such as a missing table.
        """
        try:
            with self._client.query_row_block_stream(
                statement(name), parameters=parameters, settings=_READING
            ) as blocks:
                names = blocks.source.column_names
                for block in blocks:
                    for row in block:
                        yield dict(zip(names, row, strict=True))
        except (DriverError, *LOST) as error:
            raise sink_error(error) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


@cache
def statement(name: str) -> str:
    """Return a statement by its file name."""
    return resources.files("sinks").joinpath("replay", f"{name}.sql").read_text()
