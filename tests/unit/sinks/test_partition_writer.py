"""One partition's writer: retries, fences, dead letters, and rows that ClickHouse refuses."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from core.registry_signature import RegistryKeys
from schemas.errors import FencedError, UndecodableError
from schemas.topics import OUTCOMES, REGISTRY
from sinks.errors import (
    BatchUnverifiedError,
    ClickHouseRefusedError,
    LeaseInvalidatedError,
    UnreachableError,
)
from sinks.ingest.partition_writer import blames_rows
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch, BatchLimits
from sinks.rows.row_reader import reader_of
from tests.sql.rig.log import Record, on_log, outcome_event
from tests.unit.sinks.world import PLACE, World, on_insert


def _log(count: int) -> list[Record]:
    return on_log(OUTCOMES, [outcome_event(request_id=f"r{n}") for n in range(count)])


def _event(record: Record) -> bytes:
    return reader_of(OUTCOMES).read(record)


def test_rows_are_retried_as_the_same_batch_until_they_are_stored() -> None:
    world = World(_log(5))
    batches: list[Batch] = []

    def away_at_first(batch: Batch) -> None:
        batches.append(batch)
        if len(batches) <= 3:
            raise UnreachableError("nobody answers")

    world.store.before = away_at_first
    asyncio.run(world.live(limits=BatchLimits()))

    assert world.offsets == [0, 1, 2, 3, 4]
    assert len(batches) == 4
    assert all(batch == batches[0] for batch in batches)
    assert world.status.last_error == "nobody answers"


def test_an_insert_with_a_lost_response_is_not_repeated() -> None:
    world = World(_log(4))

    def lost() -> None:
        raise UnreachableError("the answer was lost")

    world.store.after = on_insert(0, lost)
    asyncio.run(world.live())

    assert world.offsets == [0, 1, 2, 3]


def test_a_successor_ends_a_writer() -> None:
    world = World(_log(4))
    world.store.before = on_insert(1, world.succeed)

    with pytest.raises(FencedError):
        asyncio.run(world.live())
    assert world.offsets == [0, 1, 2]


def test_a_record_that_is_offered_twice_is_stored_once() -> None:
    world = World(_log(4))

    async def twice() -> None:
        writer = await world.writer()
        writer.offer(world.records[:3])
        writer.offer(world.records)
        writer.close()
        await writer.run()

    asyncio.run(twice())

    assert world.offsets == [0, 1, 2, 3]


def test_an_unreadable_record_becomes_a_dead_letter_in_order() -> None:
    records = _log(3)
    records[1] = replace(records[1], value=b"\xc3\x01unknown!", headers=[("a", b"b")])
    world = World(records)
    asyncio.run(world.live())

    assert [(table, row.offset) for table, row in world.stored] == [
        ("outcomes", 0),
        ("dead_letters", 1),
        ("outcomes", 2),
    ]


def test_after_an_unreadable_row_the_batch_is_validated_and_one_row_is_dead_lettered() -> None:
    records = _log(7)
    cut = replace(records[4], value=(records[4].value or b"")[:-3])
    records[4] = cut
    world = World(records)
    world.store.refused_events = frozenset({_event(cut)})
    asyncio.run(world.live(limits=BatchLimits()))

    assert world.offsets == list(range(7))
    assert [table for table, _ in world.stored].index("dead_letters") == 4
    assert [table for table, _ in world.stored].count("dead_letters") == 1


@pytest.mark.parametrize("bad", [{0}, {6}, {2, 3}, {0, 3, 6}, set(range(7))])
def test_proven_rows_that_the_store_refuses_do_not_stop_the_partition(bad: set[int]) -> None:
    world = World(_log(9))
    world.store.refused_events = frozenset(_event(world.records[number]) for number in bad)
    asyncio.run(world.live(limits=BatchLimits()))

    assert world.offsets == list(range(9))
    dead = {row.offset for table, row in world.stored if table == "dead_letters"}
    assert dead == bad


def test_an_unreadable_row_makes_its_batch_unverified_to_the_end() -> None:
    world = World(_log(6))
    world.store.refused_events = frozenset({_event(world.records[1])})

    async def once() -> None:
        writer = await world.writer()
        writer.offer(world.records)
        await writer.run()

    with pytest.raises(BatchUnverifiedError) as doubt:
        asyncio.run(once())
    assert doubt.value.last == 2


@pytest.mark.parametrize("stored", [True, False])
def test_an_invalidated_lease_ends_a_writer_unless_the_rows_are_stored(stored: bool) -> None:
    world = World(_log(5))

    def spent() -> None:
        raise LeaseInvalidatedError("an insert of several partitions failed")

    fault = on_insert(0, spent)
    if stored:
        world.store.after = fault
        asyncio.run(world.live())
        assert world.offsets == [0, 1, 2, 3, 4]
    else:
        world.store.before = fault
        with pytest.raises(LeaseInvalidatedError):
            asyncio.run(world.live())
        assert world.offsets == []


@pytest.mark.parametrize(
    ("error", "blamed"),
    [
        (ClickHouseRefusedError("sluice: misaligned", code=395), True),
        (ClickHouseRefusedError("type: avro::Exception, e.what() = ...", code=1001), True),
        (ClickHouseRefusedError("no space left on device", code=1001), False),
        (ClickHouseRefusedError("memory limit", code=241), False),
        (ClickHouseRefusedError("no such table", code=60), False),
        (UnreachableError("gone"), False),
    ],
)
def test_only_errors_caused_by_rows_are_attributed_to_rows(
    error: ClickHouseRefusedError | UnreachableError, blamed: bool
) -> None:
    assert blames_rows(error) == blamed


def test_held_bytes_fall_as_batches_are_stored() -> None:
    world = World(_log(6))

    async def watched() -> list[int]:
        writer = await world.writer()
        held: list[int] = []
        writer.offer(world.records)
        world.store.before = lambda batch: held.append(writer.held_bytes)
        writer.close()
        await writer.run()
        return [*held, writer.held_bytes]

    held = asyncio.run(watched())

    assert held == sorted(held, reverse=True)
    assert held[0] > held[-1] == 0


@pytest.mark.parametrize(
    "value",
    [None, b"", b"hello {", b"[1]", b"{}", b"\xc3\x01", b"\xc3\x01" + bytes(8) + b"abc"],
)
def test_bytes_that_are_no_event_are_refused_by_name(value: bytes | None) -> None:
    with pytest.raises(UndecodableError):
        reader_of(OUTCOMES).read(replace(_log(1)[0], value=value))


def test_an_event_in_the_current_schema_passes_as_it_is_and_json_is_refused() -> None:
    import orjson

    event = outcome_event(call_id=None)
    record = on_log(OUTCOMES, [event])[0]
    reader = reader_of(OUTCOMES)

    assert (record.value or b"").endswith(reader.read(record))
    as_json = replace(record, value=orjson.dumps(event))
    assert reader.read(record) == reader.read_carefully(record)
    for read in (reader.read, reader.read_carefully):
        with pytest.raises(UndecodableError, match="Avro only"):
            read(as_json)


def test_the_size_of_a_row_is_that_on_the_wire() -> None:
    assert Row(1, 2, 0, b"abc").size == 3 + 21 + 8
    assert PLACE.topic == OUTCOMES


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_non_finite_number_is_found_whatever_clickhouse_reports(value: float) -> None:
    good = _log(4)
    result = {
        "tiers_tried": [], "calls": 1, "degraded": False, "latency_ms": value, "provider_ms": 1.0,
        "fallbacks": 0, "undeliverable": False,
    }  # fmt: skip
    (bad,) = on_log(OUTCOMES, [outcome_event(request_id="bad", result=result)])
    world = World([good[0], replace(bad, offset=1), *good[2:]])

    def refuses(batch: Batch) -> None:
        if batch.table.name == "outcomes" and any(row.offset == 1 for row in batch.rows):
            raise ClickHouseRefusedError("Value is out of range", code=36)

    world.store.before = refuses
    asyncio.run(world.live(limits=BatchLimits()))

    assert world.offsets == [0, 1, 2, 3]
    tables = [name for name, _ in world.stored]
    assert tables == ["outcomes", "dead_letters", "outcomes", "outcomes"]


def test_with_a_key_registry_records_are_stored_only_if_they_are_signed() -> None:
    keys = RegistryKeys(["0123456789abcdefghijklmnopqrstuv"])
    reader = reader_of(REGISTRY, None, keys)
    record = Record(offset=4, key=b"current", value=b'{"registry": "0", "by": "ada"}')
    signed = replace(record, headers=keys.sign(record.key or b"", record.value, 4))

    assert reader.read(signed) == reader_of(REGISTRY).read(record)
    for bad in (record, replace(signed, offset=5), replace(signed, value=b"{}")):
        with pytest.raises(UndecodableError, match="was rejected"):
            reader.read(bad)
