"""Combined inserts: each offset stored once under failures, delays and takeovers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import FencedError
from schemas.topics import COST
from sinks.clickhouse.in_memory_store import MemoryStore
from sinks.clickhouse.store import PartitionLease
from sinks.errors import ClickHouseRefusedError, LeaseInvalidatedError, UnreachableError
from sinks.ingest.combined_inserts import CombiningStore
from sinks.rows.avro_file import Row
from sinks.rows.batch import Batch, BatchLimits
from sinks.rows.log_position import Place
from sinks.rows.tables import CALLS

PLACES = tuple(Place(COST, number) for number in range(3))
Claimed = Sequence[tuple[Batch, PartitionLease]]


@dataclass
class LateStore(MemoryStore):
    """Inserts may fail, lose their response, or be stored long after they seemed to have failed.

    `plan` has the result of each insert in turn, and whether late ones arrive before the next call
    of the store.
    """

    plan: list[tuple[str, bool]] = field(default_factory=list)
    late: list[Claimed] = field(default_factory=list)
    inserts: list[int] = field(default_factory=list)

    async def insert_together(self, claimed: Claimed) -> None:
        what, arrives = self.plan.pop(0) if self.plan else ("is stored", False)
        if arrives:
            await self._arrive()
        self.inserts.append(len(claimed))
        if what == "is refused":
            raise ClickHouseRefusedError("memory limit", code=241)
        if what == "is late":
            self.late.append(claimed)
            raise UnreachableError("nobody answers")
        await super().insert_together(claimed)
        if what == "loses the answer":
            raise UnreachableError("the answer was lost")

    async def claim(self, places: Collection[Place]) -> dict[Place, PartitionLease]:
        claims = await super().claim(places)
        if self.plan and self.plan[0][1]:
            await self._arrive()
        return claims

    async def _arrive(self) -> None:
        """Late inserts reach the guard now, as inserts in time would."""
        late, self.late = self.late, []
        for claimed in late:
            try:
                await super().insert_together(claimed)
            except FencedError:
                continue


def _batch(place: Place, first: int, count: int) -> Batch:
    rows = tuple(Row(first + number, 0, 0, b"x") for number in range(count))
    return Batch(place=place, table=CALLS, rows=rows, size=count, ingested_at=7)


def _run(case: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(case())


async def _store_all(combining: CombiningStore, place: Place, sizes: Sequence[int]) -> None:
    """One owner, with writer and sink: take the lease, read the stored offsets, store in order,
    start again.
    """
    total = sum(sizes)
    while True:
        claim = (await combining.claim([place]))[place]
        first = (await combining.stored([place])).get(place, -1) + 1
        ends = [end for end in _ends(sizes) if end > first]
        try:
            for end in ends:
                await _until_stored(combining, _batch(place, first, end - first), claim)
                first = end
        except (LeaseInvalidatedError, FencedError):
            continue
        assert first == total
        return


async def _until_stored(combining: CombiningStore, batch: Batch, claim: PartitionLease) -> None:
    while True:
        try:
            await combining.insert(batch, claim)
        except (UnreachableError, ClickHouseRefusedError):
            if await combining.settle(batch, claim):
                return
        else:
            return


def _ends(sizes: Sequence[int]) -> list[int]:
    return [sum(sizes[: number + 1]) for number in range(len(sizes))]


_FATES = st.sampled_from(["is stored", "is refused", "is late", "loses the answer"])


@settings(max_examples=60, deadline=None)
@given(
    plan=st.lists(st.tuples(_FATES, st.booleans()), max_size=10),
    sizes=st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=3, max_size=3),
)
def test_every_offset_is_stored_once_though_joint_inserts_fail_or_are_late(
    plan: list[tuple[str, bool]], sizes: list[list[int]]
) -> None:
    # One alone whose answer is lost is repeated under its token, which only a real store knows;
    # here what is late is joint.
    store = _OnlyJointIsLate(plan=list(plan))

    async def case() -> None:
        combining = CombiningStore(store, BatchLimits())
        await asyncio.gather(
            *(
                _store_all(combining, place, of_place)
                for place, of_place in zip(PLACES, sizes, strict=True)
            )
        )
        await store._arrive()

    _run(case)

    for place, of_place in zip(PLACES, sizes, strict=True):
        assert [row.offset for _, row in store.rows[place]] == list(range(sum(of_place)))


class _OnlyJointIsLate(LateStore):
    async def insert_together(self, claimed: Claimed) -> None:
        if len(claimed) == 1 and self.plan and self.plan[0][0] == "is late":
            self.plan[0] = ("is refused", self.plan[0][1])
        await super().insert_together(claimed)


def _together(
    store: LateStore, limits: BatchLimits | None = None
) -> tuple[list[BaseException | None], CombiningStore]:
    """One batch of each partition at one time; the result of each."""
    combining = CombiningStore(store, limits or BatchLimits())

    async def case() -> list[BaseException | None]:
        claims = await combining.claim(PLACES)
        return await asyncio.gather(
            *(combining.insert(_batch(place, 0, 2), claims[place]) for place in PLACES),
            return_exceptions=True,
        )

    return asyncio.run(case()), combining


def test_batches_of_one_moment_are_one_insert() -> None:
    store = LateStore()
    errors, _ = _together(store)

    assert errors == [None, None, None]
    assert store.inserts == [3]


def test_an_insert_has_no_more_rows_than_its_limit() -> None:
    store = LateStore()
    _together(store, BatchLimits(rows=4))

    assert store.inserts == [2, 1]


def test_after_a_joint_failure_each_is_leased_again_and_inserted_alone_once() -> None:
    store = LateStore(plan=[("is late", False)])
    errors, combining = _together(store)
    assert [type(each) for each in errors] == [LeaseInvalidatedError] * 3

    async def again() -> None:
        claims = await combining.claim(PLACES)
        for first in (0, 2):
            await asyncio.gather(
                *(combining.insert(_batch(place, first, 2), claims[place]) for place in PLACES)
            )

    asyncio.run(again())

    assert store.inserts == [3, 1, 1, 1, 3]


def test_a_fenced_batch_fences_the_others_of_its_insert() -> None:
    store = LateStore()
    combining = CombiningStore(store, BatchLimits())

    async def case() -> list[BaseException | None]:
        claims = await combining.claim(PLACES)
        await store.claim(PLACES[:1])
        return await asyncio.gather(
            *(combining.insert(_batch(place, 0, 2), claims[place]) for place in PLACES),
            return_exceptions=True,
        )

    errors = asyncio.run(case())

    assert [type(each) for each in errors] == [FencedError] * 3
    assert not store.rows


def test_a_cancelled_waiter_is_left_out() -> None:
    store = LateStore()
    combining = CombiningStore(store, BatchLimits())

    async def case() -> None:
        claims = await combining.claim(PLACES)
        waiting = [
            asyncio.create_task(combining.insert(_batch(place, 0, 2), claims[place]))
            for place in PLACES
        ]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    _run(case)

    assert set(store.rows) == set(PLACES[1:])


@pytest.mark.parametrize("fate", ["is late", "is refused"])
def test_a_single_insert_gets_the_store_s_error(fate: str) -> None:
    store = LateStore(plan=[(fate, False)])
    combining = CombiningStore(store, BatchLimits())

    async def case() -> None:
        claim = (await combining.claim(PLACES[:1]))[PLACES[0]]
        with pytest.raises((UnreachableError, ClickHouseRefusedError)):
            await combining.insert(_batch(PLACES[0], 0, 2), claim)

    _run(case)
