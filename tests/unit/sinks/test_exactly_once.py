"""Under any crash, failure or takeover, every offset is stored once, in order, equally marked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import FencedError
from schemas.topics import OUTCOMES
from sinks.errors import UnreachableError
from sinks.rows.batch import BatchLimits
from sinks.rows.dedup import SeenWindow
from sinks.rows.row_reader import reader_of
from tests.sql.rig.log import Record, on_log, outcome_event
from tests.unit.sinks.world import Crash, World

_kinds = st.sampled_from(["started", "escalated", "parked", "replied"])
_records = st.lists(
    st.tuples(_kinds, st.integers(0, 2), st.integers(0, 1), st.booleans()), min_size=1, max_size=24
)
_FAULTS = ("none", "refuses", "loses the answer", "crashes before", "crashes after", "is succeeded")
_lives = st.lists(
    st.tuples(st.integers(0, 10), st.integers(0, 4), st.sampled_from(_FAULTS)), max_size=8
)


def _log(events: Sequence[tuple[str, int, int, bool]]) -> list[Record]:
    records = on_log(
        OUTCOMES,
        [outcome_event(kind, request_id=f"r{who}", hop=hop) for kind, who, hop, _ in events],
    )
    return [
        record if good else replace(record, value=b"not an event")
        for record, (_, _, _, good) in zip(records, events, strict=True)
    ]


def _expected(records: Sequence[Record]) -> list[tuple[str, int, int]]:
    """Table, offset and repeat flag of each record, read once from the beginning."""
    reader, window, rows = reader_of(OUTCOMES), SeenWindow(), []
    for record in records:
        if record.value == b"not an event":
            rows.append(("dead_letters", record.offset, 0))
        else:
            rows.append(("outcomes", record.offset, reader.repeats.mark(record, window)))
    return rows


class _Fault:
    """One fault at the n-th insert of a life."""

    def __init__(self, world: World, number: int, kind: str) -> None:
        self._world, self._number, self._kind, self._seen = world, number, kind, 0

    def _now(self) -> bool:
        return self._seen == self._number

    def before(self, batch: object) -> None:
        if self._now() and self._kind == "refuses":
            self._seen += 1
            raise UnreachableError("nobody answers")
        if self._now() and self._kind == "crashes before":
            raise Crash
        if self._now() and self._kind == "is succeeded":
            self._world.succeed()

    def after(self, batch: object) -> None:
        now, self._seen = self._now(), self._seen + 1
        if now and self._kind == "loses the answer":
            raise UnreachableError("the answer was lost")
        if now and self._kind == "crashes after":
            raise Crash


@settings(max_examples=300, deadline=None)
@given(events=_records, lives=_lives, rows=st.integers(1, 5))
def test_every_offset_is_stored_once_whatever_happens(
    events: list[tuple[str, int, int, bool]], lives: list[tuple[int, int, str]], rows: int
) -> None:
    records = _log(events)
    world = World(records)
    limits = BatchLimits(rows=rows)

    async def scenario() -> None:
        for most, number, kind in lives:
            fault = _Fault(world, number, kind)
            world.store.before, world.store.after = fault.before, fault.after
            with suppress(Crash, FencedError):
                await world.live(most, limits)
        world.store.before = world.store.after = None
        await world.live(None, limits)

    asyncio.run(scenario())

    found = [(table, row.offset, row.repeat) for table, row in world.stored]
    assert found == _expected(records)


@settings(max_examples=100, deadline=None)
@given(events=_records, pauses=st.lists(st.integers(0, 6), max_size=6))
def test_two_concurrent_owners_store_each_offset_once(
    events: list[tuple[str, int, int, bool]], pauses: list[int]
) -> None:
    """Owners are paused at any time, each with buffered rows; one that resumes late is refused."""
    records = _log(events)
    world = World(records)

    async def scenario() -> None:
        paused = []
        for count in pauses:
            writer = await world.writer()
            rest = [each for each in records if each.offset >= writer.stored_to]
            writer.offer(rest[:count])
            writer.close()
            paused.append(writer)
            if len(paused) > 1:
                with suppress(FencedError):
                    await paused.pop(0).run()
        await world.live()
        for writer in paused:
            with suppress(FencedError):
                await writer.run()

    asyncio.run(scenario())

    assert [(table, row.offset, row.repeat) for table, row in world.stored] == _expected(records)
