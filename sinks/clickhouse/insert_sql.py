"""SQL statements of the sink: the guarded insert of each table, and the leases.

Read them together with `store`: they implement its guarantees.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from schemas.identity import DUPLICATE_WINDOW_MS
from sinks.rows.avro_file import HEAD, TAIL
from sinks.rows.columns import column_expression, soundness, structure_of
from sinks.rows.dedup import COUNTED_KEYS
from sinks.rows.tables import EventTable

FENCED = "sluice: fenced"
"""Message of the guard when a successor has leased the partition."""

MISALIGNED = "sluice: misaligned"
"""Message of the guard when bytes are not an event of the table's schema."""

UNSOUND = "sluice: unsound"
"""Message of the guard when an event has an invalid time or a number that is not finite."""

QUERY_PREFIX = "sluice-sink"

_WHERE_IT_WAS = ": while executing"

INSERT_SETTINGS: dict[str, Any] = {
    "async_insert": 0,
    "max_threads": 1,
    "max_insert_threads": 1,
    "max_block_size": 200_000,
    "max_insert_block_size": 200_000,
    "min_insert_block_size_rows": 1_000_000,
    "min_insert_block_size_bytes": 1_000_000_000,
    "input_format_parallel_parsing": 0,
    "allow_experimental_nullable_tuple_type": 1,
    # Compiling the bounds of the columns took 100 ms per insert; evaluating them is negligible.
    "compile_expressions": 0,
    "http_receive_timeout": 5,
}
"""One block, one part: an insert is atomic."""

CLUSTER_SETTINGS: dict[str, Any] = {"insert_quorum": "auto", "select_sequential_consistency": 1}
"""On replicated tables every later insert must see a lease."""

_HELD = (
    "(SELECT groupArray(held) FROM (SELECT (partition, max((epoch, claim))) AS held "
    "FROM {database}.sink_epochs WHERE topic = {{topic:String}} AND partition IN "
    "{{partitions:Array(Int32)}} GROUP BY partition ORDER BY partition))"
)


def is_fenced(message: str) -> bool:
    """Return whether an insert was rejected because a successor has leased the partition. After the
    thrown message, ClickHouse repeats the expression with all possible messages.
    """
    return FENCED in message.partition(_WHERE_IT_WAS)[0]


def insert_statement(table: EventTable, database: str) -> str:
    """Return the insert of batches of one topic.

    Parameters: topic, partitions in order, claims (partition, (epoch, claim)) in the same order,
    ingested_at (ms).
    """
    values = {
        "topic": "{topic:String}",
        "partition": "reinterpretAsInt32(substring(head, 18, 4))",
        "offset": _long(1),
        "appended_at": f"fromUnixTimestamp64Milli({_long(9)}, 'UTC')",
        "ingested_at": "fromUnixTimestamp64Milli({ingested_at:Int64}, 'UTC')",
    }
    if table.repeats:
        values["repeat"] = "reinterpretAsUInt8(substring(head, 17, 1))"
    for column, source in table.columns.items():
        values[column] = column_expression(table.event, source)
    structure = (
        f"head FixedString({HEAD.size}), {structure_of(table.event)}, tail FixedString({TAIL.size})"
    ).replace("'", "\\'")
    held = _HELD.format(database=database)
    return (
        f"INSERT INTO {database}.{table.name} ({', '.join(f'`{name}`' for name in values)}) "
        f"SELECT {', '.join(values.values())} FROM input('{structure}') "
        f"WHERE NOT throwIf({held} != {{claims:{_CLAIMS}}}, '{FENCED}') "
        f"AND NOT throwIf(substring(head, 1, 8) != tail, '{MISALIGNED}') "
        f"AND NOT throwIf(NOT ({soundness(table.event)}), '{UNSOUND}') FORMAT Avro"
    )


_CLAIMS = "Array(Tuple(Int32, Tuple(UInt64, String)))"


def _long(start: int) -> str:
    return f"reinterpretAsInt64(substring(head, {start}, 8))"


def held_claims(database: str) -> str:
    """Return the query for the greatest (epoch, claim) of each partition."""
    return (
        f"SELECT topic, partition, max((epoch, claim)) FROM {database}.sink_epochs "
        f"WHERE {_AT_PLACES} GROUP BY topic, partition"
    )


def stored_offsets(table: str, database: str) -> str:
    """Return the query for the greatest stored offset of each partition in a table."""
    return (
        f"SELECT topic, partition, max(offset) FROM {database}.{table} "
        f"WHERE {_AT_PLACES} GROUP BY topic, partition"
    )


_AT_PLACES = "(topic, partition) IN {places:Array(Tuple(String, Int32))}"

_INSERTS_AT_PLACES = (
    "startsWith(query_id, {prefix:String}) AND arrayExists(partition -> "
    "has({places:Array(Tuple(String, Int32))}, "
    "(splitByChar('/', query_id)[3], toInt32OrZero(partition))), "
    "splitByChar('.', splitByChar('/', query_id)[4]))"
)


def query_id(prefix: str, topic: str, partitions: Iterable[int], unique: str) -> str:
    """Return an id of an insert with its topic and partitions, so that a successor finds it."""
    return "/".join((prefix, topic, ".".join(map(str, partitions)), unique))


def end_inserts(cluster: str) -> str:
    """Return the statement that kills every running insert of the partitions."""
    everywhere = f"ON CLUSTER '{cluster}' " if cluster else ""
    return f"KILL QUERY {everywhere}WHERE {_INSERTS_AT_PLACES} SYNC"


def running_inserts(cluster: str) -> str:
    """Return the query for the number of running inserts of the partitions."""
    source = f"clusterAllReplicas('{cluster}', system.processes)" if cluster else "system.processes"
    return f"SELECT count() FROM {source} WHERE {_INSERTS_AT_PLACES}"


def counted_keys(table: str, database: str) -> str:
    """Return the query for keys and broker times of the rows counted in the last window, as
    RowBinary.
    """
    key, condition = COUNTED_KEYS[table]
    here = "topic = {topic:String} AND partition = {partition:Int32}"
    return (
        f"SELECT toFixedString({key}, 8), toUnixTimestamp64Milli(appended_at) "
        f"FROM {database}.{table} WHERE {here} AND repeat = 0 AND {condition} AND appended_at >= "
        f"(SELECT max(appended_at) FROM {database}.{table} WHERE {here}) "
        f"- toIntervalMillisecond({DUPLICATE_WINDOW_MS}) ORDER BY offset"
    )
