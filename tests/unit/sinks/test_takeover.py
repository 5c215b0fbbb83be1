"""A new owner starts behind what is stored, else at the committed offset, else at the beginning."""

from __future__ import annotations

import asyncio

import pytest

from schemas.errors import FencedError
from schemas.topics import OUTCOMES
from sinks.errors import LogRecreatedError
from sinks.ingest.takeover import WriteStart, take_over
from sinks.rows.avro_file import Row
from tests.sql.rig.log import on_log, outcome_event
from tests.unit.sinks.world import PLACE, World


def _world(records: int, stored: int | None, committed: int | None = None, begin: int = 0) -> World:
    world = World(on_log(OUTCOMES, [outcome_event(request_id=f"r{n}") for n in range(records)]))
    if stored is not None:
        event = (world.records[0].value or b"")[10:]
        world.store.rows[PLACE] = [("outcomes", Row(stored, 0, 0, event))]
    world.bounds.committed_at = committed
    world.bounds.begin = begin
    return world


def _start(world: World) -> WriteStart:
    return asyncio.run(take_over([PLACE], world.store, world.bounds))[PLACE]


@pytest.mark.parametrize(
    ("stored", "committed", "begin", "offset", "skipped"),
    [
        (None, None, 0, 0, 0),
        (None, None, 4, 4, 0),
        (None, 3, 0, 3, 0),
        (5, 3, 0, 6, 0),
        (5, 9, 0, 6, 0),
        (2, None, 7, 7, 4),
        (9, None, 0, 10, 0),
    ],
)
def test_stored_offsets_precede_committed_ones(
    stored: int | None, committed: int | None, begin: int, offset: int, skipped: int
) -> None:
    start = _start(_world(10, stored, committed, begin))

    assert (start.offset, start.skipped) == (offset, skipped)


@pytest.mark.parametrize(("stored", "committed"), [(10, None), (None, 11)])
def test_a_log_that_ends_before_the_stored_offset_was_recreated(
    stored: int | None, committed: int | None
) -> None:
    with pytest.raises(LogRecreatedError, match=r"the topic was recreated"):
        _start(_world(10, stored, committed))


def test_every_takeover_has_a_greater_epoch_and_fences_the_one_before() -> None:
    world = _world(3, None)

    async def two() -> None:
        first = await world.writer()
        await world.writer()
        first.offer(world.records)
        first.close()
        await first.run()

    with pytest.raises(FencedError):
        asyncio.run(two())
    assert world.offsets == []
