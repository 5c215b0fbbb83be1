"""Held records: order, positions, fullness."""

from __future__ import annotations

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from core.kafka.fetch_source import FetchedRecord
from core.kafka.held_records import MOST_BYTES, MOST_RECORDS, HeldRecords

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def records(
    place: TopicPartition, first: int, count: int, value: bytes = b"v"
) -> list[FetchedRecord]:
    return [
        FetchedRecord(place.topic, place.partition, first + number, 0, 0, None, value, ())
        for number in range(count)
    ]


def holding(*places: TopicPartition) -> HeldRecords:
    held = HeldRecords()
    for place in places:
        held.begin(place, 0)
    return held


def everything(_: TopicPartition) -> bool:
    return True


def test_the_position_is_after_the_last_consumed_record() -> None:
    held = holding(A)
    held.add(A, records(A, 0, 5), 5)
    assert held.take(everything, 2)[A].position == 2
    assert held.take(everything, 3)[A].position == 5


def test_the_position_after_all_records_passes_markers() -> None:
    held = holding(A)
    held.add(A, records(A, 0, 5), 7)
    assert held.take(everything, None)[A].position == 7


def test_a_partition_excluded_from_a_take_keeps_its_records() -> None:
    held = holding(A, B)
    held.add(A, records(A, 0, 1), 1)
    held.add(B, records(B, 0, 1), 1)
    assert set(held.take(lambda place: place == B, None)) == {B}
    assert set(held.take(everything, None)) == {A}


def test_partitions_are_served_in_turn() -> None:
    held = holding(A, B)
    held.add(A, records(A, 0, 10), 10)
    held.add(B, records(B, 0, 10), 10)
    assert [set(held.take(everything, 4)) for _ in range(4)] == [{A}, {B}, {A}, {B}]


def test_a_partition_is_full_by_records_once_until_most_are_consumed() -> None:
    held = holding(A)
    assert not held.add(A, records(A, 0, MOST_RECORDS), MOST_RECORDS)
    assert held.add(A, records(A, MOST_RECORDS, 1), MOST_RECORDS + 1)
    assert not held.add(A, records(A, MOST_RECORDS + 1, 1), MOST_RECORDS + 2)
    assert not held.take(everything, MOST_RECORDS // 2)[A].is_low_again
    assert held.take(everything, MOST_RECORDS // 2)[A].is_low_again
    assert not held.take(everything, None)[A].is_low_again


def test_a_partition_is_full_by_bytes() -> None:
    held = holding(A)
    assert held.add(A, records(A, 0, 3, b"x" * (MOST_BYTES // 2)), 3)
    assert held.take(everything, 3)[A].is_low_again


def test_a_dropped_partition_has_no_records() -> None:
    held = holding(A)
    held.add(A, records(A, 0, 1), 1)
    held.drop(A)
    assert A not in held
    assert held.take(everything, None) == {}


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_records_leave_in_the_order_in_which_they_came(steps: list[tuple[bool, int]]) -> None:
    held, added, taken = holding(A), 0, 0
    for is_added, count in steps:
        if is_added:
            held.add(A, records(A, added, count), added + count)
            added += count
        elif count:
            for each in held.take(everything, count).values():
                assert [record.offset for record in each.records] == [
                    *range(taken, taken + len(each.records))
                ]
                taken += len(each.records)
                assert each.position == taken
    assert held.next_offset(A) == added
    assert held.is_empty(A) == (added == taken)
