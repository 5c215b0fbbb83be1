"""The tracker against a model with complete history, in any order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.flow.offset_tracker import AckTracker, Opening

steps = st.lists(
    st.one_of(
        st.tuples(st.just("next"), st.integers(1, 4)),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.tuples(st.just("finish"), st.integers(0, 30)),
    ),
    min_size=10,
    max_size=80,
)


class Model:
    """All offsets ever opened, in order, those finished and those released."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.finished: set[int] = set()
        self.released: list[int] = []

    @property
    def unreleased(self) -> list[int]:
        return self.opened[len(self.released) :]

    def finish(self, offset: int) -> list[int]:
        self.finished.add(offset)
        news = []
        for each in self.unreleased:
            if each not in self.finished:
                break
            news.append(each)
        self.released += news
        return news


@given(steps=steps, max_span=st.integers(1, 12))
def test_each_offset_is_released_once_in_order_and_never_before_one_that_is_open(
    steps: list[tuple[str, int]], max_span: int
) -> None:
    tracker: AckTracker[int] = AckTracker(max_span=max_span)
    model = Model()
    for what, number in steps:
        if what == "next":
            offset = (model.opened[-1] if model.opened else 0) + number
            assert tracker.open(offset, offset) is Opening.NEW
            model.opened.append(offset)
        elif what == "again" and model.opened:
            offset = model.opened[number % len(model.opened)]
            is_released = offset in model.released
            expected = Opening.RELEASED if is_released else Opening.OPEN
            assert tracker.open(offset, -1) is expected
        elif what == "finish":
            working = [each for each in model.unreleased if each not in model.finished]
            if working:
                offset = working[number % len(working)]
                assert tracker.finish(offset) == model.finish(offset)
        left = model.unreleased
        assert tracker.in_flight == len(left) - len(model.finished & set(left))
        assert tracker.span == (left[-1] - left[0] + 1 if left else 0)
        assert tracker.full == (tracker.span >= max_span)
