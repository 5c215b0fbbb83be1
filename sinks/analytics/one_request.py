"""All rows of one request in ClickHouse: its journal, calls and quality signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error as DriverError

from schemas.errors import SinkError
from schemas.journal_headers import JournalKind
from sinks.clickhouse.connection import LOST, connect, sink_error
from sinks.settings import SinkSettings

Row = dict[str, Any]
"""A row by column; times are aware, in UTC; unknown values are `None`."""

_LATEST = f"""
SELECT tenant, source_topic, source_partition, source_offset, requested_at
FROM outcomes
WHERE request_id = {{request_id:String}} AND {{tenant:String}} IN ('', toString(tenant))
    AND kind != '{JournalKind.CANCELLING.value}'
GROUP BY tenant, source_topic, source_partition, source_offset, requested_at
ORDER BY requested_at DESC
"""
# A cancellation has the position of its own record, not that of the request.

_JOURNAL = """
SELECT * FROM outcomes
WHERE request_id = {request_id:String} AND tenant = {tenant:String}
    AND source_topic = {topic:String} AND source_partition = {partition:Int32}
    AND source_offset = {offset:Int64}
ORDER BY at, appended_at, partition, offset
"""

_OF_ITS_TIME = """
SELECT * FROM {table:Identifier}
WHERE request_id = {request_id:String} AND tenant = {tenant:String}
    AND at >= {begin:DateTime64(3, 'UTC')}
ORDER BY at, appended_at, partition, offset
"""


class UnknownRequestError(SinkError):
    """Nothing is stored for a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRows:
    """The rows of one request, oldest first. `others` counts other requests with the same id (other
    tenants or times) that are not shown.
    """

    journal: tuple[Row, ...]
    calls: tuple[Row, ...]
    signals: tuple[Row, ...]
    others: int = 0


def read_request(request_id: str, tenant: str, settings: SinkSettings) -> RequestRows:
    """Read the latest request with this id; an empty `tenant` matches any.

    Raises:
        UnknownRequestError: nothing is stored for it.
        UnreachableError: ClickHouse does not respond.
        ClickHouseRefusedError: ClickHouse returns an error, such as missing tables.
    """
    client = connect(settings)
    try:
        client.database = settings.clickhouse_database
        return _read(client, request_id, tenant)
    except (DriverError, *LOST) as error:
        raise sink_error(error) from error
    finally:
        client.close()


def _read(client: Client, request_id: str, tenant: str) -> RequestRows:
    found = _rows(client, _LATEST, request_id=request_id, tenant=tenant)
    if not found:
        of_tenant = f" of tenant {tenant}" if tenant else ""
        raise UnknownRequestError(
            f"nothing is stored for request {request_id}{of_tenant}. It may still be running, its "
            "events may not be stored yet, or its rows were deleted; check the id, or retry later."
        )
    latest = found[0]
    journal = _rows(
        client,
        _JOURNAL,
        request_id=request_id,
        tenant=latest["tenant"],
        topic=latest["source_topic"],
        partition=latest["source_partition"],
        offset=latest["source_offset"],
    )
    when = {
        "request_id": request_id,
        "tenant": latest["tenant"],
        "begin": latest["requested_at"].strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
    }
    return RequestRows(
        journal=tuple(journal),
        calls=tuple(_rows(client, _OF_ITS_TIME, table="calls", **when)),
        signals=tuple(_rows(client, _OF_ITS_TIME, table="quality", **when)),
        others=len(found) - 1,
    )


def _rows(client: Client, sql: str, **parameters: Any) -> list[Row]:
    result = client.query(
        sql, parameters=parameters, settings={"readonly": 2}, query_tz="UTC", tz_mode="aware"
    )
    return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]
