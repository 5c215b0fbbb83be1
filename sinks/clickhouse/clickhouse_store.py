"""The store on ClickHouse: leases in `sink_epochs`, guarded inserts, killed predecessors.

No row is stored twice. A lease is written first, so that inserts which start later see it and fail.
Running inserts are killed, and the store waits for their end. The rows stored at that point are all
that predecessors can store.
"""

from __future__ import annotations

import asyncio
import struct
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

from clickhouse_connect.driver import AsyncClient
from clickhouse_connect.driver.exceptions import Error as DriverError

from schemas.errors import FencedError
from sinks.clickhouse import insert_sql
from sinks.clickhouse.connection import LOST, connect_async, sink_error
from sinks.clickhouse.store import PartitionLease
from sinks.errors import ClickHouseRefusedError, UnreachableError
from sinks.rows.avro_file import AvroFile
from sinks.rows.batch import Batch
from sinks.rows.dedup import COUNTED_KEYS
from sinks.rows.log_position import Place
from sinks.rows.tables import DEAD_LETTERS, TABLES, EventTable, table_of
from sinks.settings import SinkSettings

CONCURRENT_INSERTS = 4
_KEY = struct.Struct("<8sq")


class ClickHouseStore:
    """The store over ClickHouse's HTTP interface."""

    def __init__(
        self, settings: SinkSettings, new_token: Callable[[], str] = lambda: uuid.uuid4().hex
    ) -> None:
        self._settings = settings
        self._database = settings.clickhouse_database
        self._cluster = settings.clickhouse_cluster
        self._shared = insert_sql.CLUSTER_SETTINGS if self._cluster else {}
        self._new_token = new_token
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._room = asyncio.Semaphore(CONCURRENT_INSERTS)
        self._inserts = {
            table.name: insert_sql.insert_statement(table, self._database) for table in TABLES
        }
        self._files = {table.name: AvroFile(table.event) for table in TABLES}

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        """Lease partitions; on return no predecessor's insert runs or can start."""
        wanted = set(places)
        held = await self._held(wanted)
        token = self._new_token()
        claims = {
            place: PartitionLease(place=place, epoch=held.get(place, (0, ""))[0] + 1, token=token)
            for place in wanted
        }
        now = int(time.time() * 1000)
        rows = ", ".join(
            f"('{place.topic}', {place.partition}, {claim.epoch}, '{token}', "
            f"{{instance:String}}, fromUnixTimestamp64Milli({now}, 'UTC'))"
            for place, claim in claims.items()
        )
        await self._command(
            f"INSERT INTO {self._database}.sink_epochs VALUES {rows}",
            {"instance": self._settings.sink_instance},
            {"async_insert": 0},
        )
        for place, greatest in (await self._held(wanted)).items():
            if greatest != (claims[place].epoch, token):
                raise FencedError(f"{place} was leased by another sink at the same moment")
        await self._end_inserts(wanted)
        return claims

    async def stored(self, places: Collection[Place]) -> dict[Place, int]:
        """Return the greatest stored offset of each partition, dead letters included."""
        tables = {table_of(place.topic).name for place in places} | {DEAD_LETTERS.name}
        greatest: dict[Place, int] = {}
        for table in sorted(tables):
            statement = insert_sql.stored_offsets(table, self._database)
            for topic, partition, offset in await self._rows(statement, _places(places)):
                place = Place(topic, partition)
                greatest[place] = max(offset, greatest.get(place, -1))
        return greatest

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        """Return keys of the recently counted rows with their broker times, oldest first."""
        if table.name not in COUNTED_KEYS:
            return ()
        statement = insert_sql.counted_keys(table.name, self._database)
        client = await self._connected()
        try:
            data = await client.raw_query(
                statement, parameters=place._asdict(), fmt="RowBinary", settings=self._shared
            )
        except (DriverError, *LOST) as error:
            raise sink_error(error) from error
        return list(_KEY.iter_unpack(data))

    async def insert(self, batch: Batch, claim: PartitionLease) -> None:
        """Store a batch under a lease."""
        await self.insert_together([(batch, claim)])

    async def insert_together(self, claimed: Sequence[tuple[Batch, PartitionLease]]) -> None:
        """Store batches of one topic and table under their leases, all or none.

        A retry has the same deduplication token. Another lease has other tokens, so that rows which
        an operator moved out of the table are stored when they are read again.
        """
        claimed = sorted(claimed, key=lambda each: each[0].place)
        topic, name = claimed[0][0].place.topic, claimed[0][0].table.name
        partitions = [batch.place.partition for batch, _ in claimed]
        parameters = {
            "topic": topic,
            "partitions": partitions,
            "claims": [(batch.place.partition, (it.epoch, it.token)) for batch, it in claimed],
            "ingested_at": max(batch.ingested_at for batch, _ in claimed),
        }
        settings = insert_sql.INSERT_SETTINGS | {
            "insert_deduplication_token": " ".join(
                f"{batch.token}/{claim.epoch}" for batch, claim in claimed
            ),
            "query_id": insert_sql.query_id(self._prefix, topic, partitions, self._new_token()),
        }
        body = self._files[name].write(
            [(batch.place.partition, batch.rows) for batch, _ in claimed]
        )
        try:
            async with self._room:
                await self._command(self._inserts[name], parameters, settings, body)
        except ClickHouseRefusedError as error:
            if insert_sql.is_fenced(str(error)):
                epochs = ", ".join(str(claim.epoch) for _, claim in claimed)
                places = ", ".join(str(partition) for partition in partitions)
                raise FencedError(
                    f"{topic}:{places} was leased by another sink; epoch {epochs} has ended"
                ) from error
            raise

    async def settle(self, batch: Batch, claim: PartitionLease) -> bool:
        """Kill an insert with unknown result, and return whether it is stored."""
        await self._end_inserts([batch.place])
        held = (await self._held([batch.place])).get(batch.place)
        if held != (claim.epoch, claim.token):
            raise FencedError(f"{batch.place} was leased by another sink")
        return (await self.stored([batch.place])).get(batch.place, -1) >= batch.last

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @property
    def _prefix(self) -> str:
        return f"{insert_sql.QUERY_PREFIX}/{self._database}"

    async def _held(self, places: Collection[Place]) -> dict[Place, tuple[int, str]]:
        rows = await self._rows(insert_sql.held_claims(self._database), _places(places))
        return {Place(topic, partition): tuple(held) for topic, partition, held in rows}

    async def _end_inserts(self, places: Collection[Place]) -> None:
        parameters = {"prefix": f"{self._prefix}/", **_places(places)}
        await self._command(insert_sql.end_inserts(self._cluster), parameters, {})
        ((running,),) = await self._rows(insert_sql.running_inserts(self._cluster), parameters)
        if running:
            raise UnreachableError(f"{running} inserts of a predecessor are still running")

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                self._client = await connect_async(self._settings)
            return self._client

    async def _rows(self, statement: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        client = await self._connected()
        try:
            result = await client.query(statement, parameters=parameters, settings=self._shared)
        except (DriverError, *LOST) as error:
            raise sink_error(error) from error
        return result.result_rows

    async def _command(
        self,
        statement: str,
        parameters: dict[str, Any],
        settings: dict[str, Any],
        body: bytes | None = None,
    ) -> None:
        client = await self._connected()
        try:
            await client.command(
                statement, parameters=parameters, data=body, settings=self._shared | settings
            )
        except (DriverError, *LOST) as error:
            raise sink_error(error) from error


def _places(places: Collection[Place]) -> dict[str, Any]:
    return {"places": [tuple(place) for place in places]}
