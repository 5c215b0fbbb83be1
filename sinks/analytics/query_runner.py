"""Runs named queries on ClickHouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from sinks.analytics.named_queries import NamedQuery, QueryColumn
from sinks.clickhouse.connection import LOST, connect, sink_error
from sinks.errors import ClickHouseRefusedError, QueryParameterError
from sinks.settings import SinkSettings

_NOT_A_VALUE = frozenset({41, 457, 6, 26, 27, 36, 72})
"""ClickHouse's error codes for a parameter that does not match its type."""

_READING: dict[str, Any] = {"readonly": 2, "max_execution_time": 60}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRange:
    """`since` inclusive, `until` exclusive; both with a time zone."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """Rows of a query with its columns.

    Money is `Decimal` USD, or a float after division; times are aware datetimes in UTC; `None` is
    unknown.
    """

    question: NamedQuery
    range: TimeRange | None
    columns: tuple[QueryColumn, ...]
    rows: tuple[tuple[Any, ...], ...]

    def as_rows(self) -> list[dict[str, Any]]:
        """Return the rows by column name for JSON: money as exact text, times in ISO 8601."""
        return [{name: _as_json(value) for name, value in row.items()} for row in self.by_name()]

    def by_name(self) -> list[dict[str, Any]]:
        """Return the rows by column name with unchanged values."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


def ask(
    question: NamedQuery,
    settings: SinkSettings,
    *,
    range_: TimeRange | None = None,
    parameters: Mapping[str, str] | None = None,
) -> QueryResult:
    """Run one query on the settings' database. Raises like `QueryRunner.ask` and `asker`."""
    question.values(parameters or {})  # report invalid parameters before connecting
    with asker(settings) as asking:
        return asking.ask(question, range_=range_, parameters=parameters)


@contextmanager
def asker(settings: SinkSettings) -> Iterator[QueryRunner]:
    """Open a runner for several queries over one connection.

    Raises:
        UnreachableError: ClickHouse does not respond.
        ConfigurationError: its URL or its certificate is invalid.
    """
    client = connect(settings)
    client.database = settings.clickhouse_database
    try:
        yield QueryRunner(client)
    finally:
        client.close()


class QueryRunner:
    """Runs queries on a client's database."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ask(
        self,
        question: NamedQuery,
        *,
        range_: TimeRange | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> QueryResult:
        """Run a query and return its result.

        Raises:
            QueryParameterError: a parameter is unknown, missing or malformed.
            UnreachableError: ClickHouse does not respond.
            ClickHouseRefusedError: ClickHouse returns an error, such as missing tables.
        """
        bound: dict[str, Any] = dict(question.values(parameters or {}))
        if question.ranged:
            if range_ is None:
                raise QueryParameterError(f"{question.name} needs a time range; give --since")
            bound |= {"since": _as_text(range_.since), "until": _as_text(range_.until)}
        try:
            result = self._client.query(
                question.sql, parameters=bound, settings=_READING, query_tz="UTC", tz_mode="aware"
            )
            rows = [tuple(row) for row in result.result_rows]
        except (DriverError, *LOST) as error:
            raise _meant(sink_error(error), question, parameters or {}) from error
        names = result.column_names
        places = [names.index(column.name) for column in question.columns] if rows else []
        return QueryResult(
            question=question,
            range=range_ if question.ranged else None,
            columns=question.columns,
            rows=tuple(tuple(_known(row[place]) for place in places) for row in rows),
        )


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _known(value: Any) -> Any:
    """Return `None` for NaN, ClickHouse's result of an aggregate over no rows."""
    return None if isinstance(value, float) and not isfinite(value) else value


def _as_text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _meant(error: Exception, question: NamedQuery, given: Mapping[str, str]) -> Exception:
    """Return an error with advice for the operator."""
    if isinstance(error, ClickHouseRefusedError) and error.code in _NOT_A_VALUE and given:
        types = ", ".join(
            f"{each.name} is {each.type}" for each in question.parameters if each.name in given
        )
        return QueryParameterError(f"a parameter of {question.name} is malformed: {types}")
    return error
