"""Which messages are suspected of ending processes, and how many processes one can end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.offset_metadata.partition_mark import (
    FEW_SUSPECTS,
    LOST_BEFORE_TRIALS,
    MOST_COUNTED,
    PartitionMark,
    TryCounts,
)
from streams.offset_metadata.retry_count import MOST_LOST_WORKERS

COUNTS = st.builds(TryCounts, failed=st.integers(0, 9), ended=st.integers(0, 9))
OFFSETS = st.integers(0, 2**63 - 1)


@given(
    st.builds(
        PartitionMark,
        topic_id=st.uuids().map(str),
        holder=st.text(max_size=12),
        lost=st.integers(0, 99),
        until=OFFSETS,
        on_trial=st.none() | OFFSETS,
        counts=st.dictionaries(OFFSETS, COUNTS, max_size=MOST_COUNTED),
    )
)
def test_a_mark_survives_its_commit_and_is_small_enough_for_a_broker(mark: PartitionMark) -> None:
    assert PartitionMark.decode(mark.encode()) == mark
    assert len(mark.encode().encode()) < 4_096


@pytest.mark.parametrize("metadata", ["", "x", "[]", "{}", '{"topic": 1}', "17 worker-1", "null"])
def test_metadata_of_another_form_is_no_mark(metadata: str) -> None:
    assert PartitionMark.decode(metadata) is None


def test_a_process_that_left_in_order_raises_no_suspicion() -> None:
    mark = PartitionMark().taken_over("a", 5, 9).given_up().taken_over("b", 5, 9)
    assert not any(mark.suspects(offset, 5) for offset in range(5, 20))


def test_a_rebalance_that_leaves_a_partition_where_it_is_raises_no_suspicion() -> None:
    mark = PartitionMark().taken_over("a", 5, 9).taken_over("a", 5, 9)
    assert mark.lost == 0


def test_a_process_that_ended_with_nothing_in_its_hands_raises_no_suspicion() -> None:
    mark = PartitionMark().taken_over("a", 5, 5).taken_over("b", 9, 9)
    assert (mark.lost, mark.suspects(9, 9)) == (0, False)


def test_few_messages_are_suspected_at_once_many_after_the_second_end() -> None:
    few = PartitionMark().taken_over("a", 5, 5).taken_over("b", 5, 5 + FEW_SUSPECTS)
    assert few.suspects(5, 5)
    assert not few.suspects(5 + FEW_SUSPECTS, 5)
    many = PartitionMark().taken_over("a", 5, 5).taken_over("b", 5, 500)
    assert not many.suspects(5, 5)
    assert many.taken_over("c", 5, 700).suspects(699, 5)


def test_progress_past_the_suspects_clears_them() -> None:
    mark = PartitionMark().taken_over("a", 5, 5).taken_over("b", 5, 500)
    assert mark.at(499).lost == 1
    assert mark.at(500).lost == 0
    assert mark.at(500).taken_over("c", 510, 900).lost == 1
    assert mark.taken_over("c", 499, 900).lost == LOST_BEFORE_TRIALS


def test_a_message_that_was_tried_alone_when_its_process_ended_is_counted() -> None:
    mark = PartitionMark().taken_over("a", 5, 5).taken_over("b", 5, 7).trying(6)
    assert mark.taken_over("c", 5, 7).counts == {6: TryCounts(ended=1)}
    assert mark.taken_over("c", 7, 9).counts == {}
    assert mark.given_up().taken_over("c", 5, 7).counts == {}


@given(st.integers(1, 400), st.data())
def test_a_poison_message_is_found_after_a_bounded_number_of_processes(
    backlog: int, data: st.DataObject
) -> None:
    """Each process handles what precedes the poison, commits some of that, and crashes on it."""
    poison = data.draw(st.integers(0, backlog - 1))
    committed, mark, processes = 0, PartitionMark(), 0
    while True:
        mark = mark.taken_over(f"life-{processes}", committed, backlog)
        processes += 1
        if mark.counts.get(poison, TryCounts()).ended >= MOST_LOST_WORKERS:
            break
        assert all(offset == poison for offset in mark.counts)
        assert processes <= LOST_BEFORE_TRIALS + MOST_LOST_WORKERS
        if mark.suspects(poison, committed):
            mark = mark.trying(poison)
        committed = data.draw(st.integers(committed, poison))
        mark = PartitionMark.decode(mark.at(committed).encode()) or mark
    assert processes >= 2
