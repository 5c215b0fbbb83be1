"""The sink without Kafka and ClickHouse: a log, a store that may fail, lives of one owner each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.encoding.codec import Codec
from schemas.topics import OUTCOMES
from sinks.clickhouse.in_memory_store import MemoryStore
from sinks.clickhouse.store import PartitionLease
from sinks.errors import BatchUnverifiedError
from sinks.ingest.partition_writer import PartitionWriter
from sinks.ingest.takeover import take_over
from sinks.rows.avro_file import Row
from sinks.rows.batch import BatchLimits
from sinks.rows.dedup import SeenWindow, mark_hop
from sinks.rows.log_position import Place
from sinks.rows.row_reader import AvroRowReader, reader_of
from sinks.rows.tables import EventTable
from sinks.status import SinkStatus
from tests.sql.rig.log import Record

PLACE = Place(OUTCOMES, 0)


class Crash(BaseException):
    """The process has crashed."""


@dataclass
class FixedClock:
    """Does not advance unless set."""

    ms: int = 0

    def now_ms(self) -> int:
        return self.ms

    def elapsed_s(self) -> float:
        return self.ms / 1000


@dataclass
class Bounds:
    """The log's bounds, and what the group committed."""

    records: Sequence[Record]
    begin: int = 0
    committed_at: int | None = None

    async def beginnings(self, places: Collection[Place]) -> Mapping[Place, int]:
        return dict.fromkeys(places, self.begin)

    async def ends(self, places: Collection[Place]) -> Mapping[Place, int]:
        return dict.fromkeys(places, len(self.records))

    async def committed(self, place: Place) -> int | None:
        return self.committed_at


class RememberingStore(MemoryStore):
    """Computes what counted from its rows, as ClickHouse does."""

    async def counted(self, place: Place, table: EventTable) -> Sequence[tuple[bytes, int]]:
        keys: list[tuple[bytes, int]] = []
        for name, row in self.rows.get(place, []):
            if name == "outcomes" and not row.repeat:
                keys += _keys_of(row)
        return keys


_READER = AvroRowReader("OutcomeEvent")
_CODEC = Codec("OutcomeEvent")


def _keys_of(row: Row) -> list[tuple[bytes, int]]:
    event = _CODEC.decode(_READER.header + row.event)
    window = SeenWindow()
    mark_hop(
        window,
        identity=f"{event['tenant']}/{event['request_id']}".encode(),
        kind=event["kind"],
        hop=event["hop"],
        visit=event["visit"],
        at=row.appended_at,
    )
    return [(key, row.appended_at) for key in window.oldest_first()]


async def no_sleep(seconds: float) -> None:
    """Time does not pass."""


@dataclass
class World:
    """A log of one partition and its store."""

    records: Sequence[Record]
    store: MemoryStore = field(default_factory=RememberingStore)
    bounds: Bounds = field(init=False)
    status: SinkStatus = field(default_factory=lambda: SinkStatus(instance="sink-1"))

    def __post_init__(self) -> None:
        self.bounds = Bounds(self.records)

    async def writer(
        self, limits: BatchLimits | None = None, careful_until: int = -1
    ) -> PartitionWriter:
        """Take over the partition; its writer."""
        start = (await take_over([PLACE], self.store, self.bounds))[PLACE]
        return PartitionWriter(
            start.claim,
            reader_of(PLACE.topic),
            start.window,
            self.store,
            limits=limits or BatchLimits(rows=3),
            clock=FixedClock(),
            status=self.status,
            stored_to=start.offset,
            careful_until=careful_until,
            sleep=no_sleep,
        )

    async def live(self, most: int | None = None, limits: BatchLimits | None = None) -> None:
        """One owner's life: from taking over to the end of the log, or for `most` records."""
        careful_until = -1
        while True:
            writer = await self.writer(limits, careful_until)
            rest = [each for each in self.records if each.offset >= writer.stored_to]
            writer.offer(rest[:most])
            writer.close()
            try:
                await writer.run()
            except BatchUnverifiedError as error:
                careful_until = error.last
            else:
                return

    @property
    def stored(self) -> list[tuple[str, Row]]:
        return self.store.rows.get(PLACE, [])

    @property
    def offsets(self) -> list[int]:
        return [row.offset for _, row in self.stored]

    def succeed(self) -> None:
        """Another owner claims the partition, without writing yet."""
        epoch = self.store.claims[PLACE].epoch + 1
        self.store.claims[PLACE] = PartitionLease(place=PLACE, epoch=epoch, token="another")


def on_insert(number: int, do: Callable[[], None]) -> Callable[[object], None]:
    """A fault that does something at the n-th insert, counted from 0."""
    seen = iter(range(1_000_000))

    def fault(batch: object) -> None:
        if next(seen) == number:
            do()

    return fault
