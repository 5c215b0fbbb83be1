from hypothesis import given
from hypothesis import strategies as st

from streams.flow.offset_tracker import AckTracker, Opening


@given(order=st.permutations(range(12)), stop=st.integers(0, 12))
def test_offsets_are_released_only_as_a_finished_prefix(order: list[int], stop: int) -> None:
    tracker: AckTracker[int] = AckTracker()
    for offset in range(12):
        assert tracker.open(offset, offset) is Opening.NEW
    finished: set[int] = set()
    released: list[int] = []
    for offset in order[:stop]:
        finished.add(offset)
        released += tracker.finish(offset)
        first_open = next((o for o in range(12) if o not in finished), 12)
        assert released == list(range(first_open))
    assert tracker.in_flight == 12 - stop


def test_a_redelivered_offset_is_recognised() -> None:
    tracker: AckTracker[str] = AckTracker()
    tracker.open(5, "five")
    tracker.open(6, "six")
    assert tracker.open(5, "again") is Opening.OPEN
    assert tracker.finish(5) == ["five"]
    assert tracker.open(5, "again") is Opening.RELEASED


def test_a_gap_in_the_log_blocks_nothing() -> None:
    tracker: AckTracker[int] = AckTracker()
    tracker.open(3, 3)
    tracker.open(17, 17)
    assert tracker.finish(3) == [3]
    assert tracker.finish(17) == [17]


def test_a_partition_is_full_when_the_oldest_open_offset_lags_too_far() -> None:
    tracker: AckTracker[int] = AckTracker(max_span=3)
    for offset in range(3):
        tracker.open(offset, offset)
    assert tracker.full
    tracker.finish(1)
    assert tracker.full
    tracker.finish(0)
    assert not tracker.full
