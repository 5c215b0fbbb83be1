"""The dedup window: fifteen minutes of broker time after the record that counted."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import DUPLICATE_WINDOW_MS
from sinks.rows.dedup import SeenWindow

_steps = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, DUPLICATE_WINDOW_MS)), max_size=60
)


def test_a_key_is_held_to_the_end_of_the_span_and_not_beyond() -> None:
    window = SeenWindow(span_ms=100)
    window.add(b"a", 1_000)

    assert window.holds(b"a", 1_100)
    assert not window.holds(b"a", 1_101)


@given(steps=_steps)
def test_a_repeat_follows_from_the_log_alone(steps: list[tuple[bytes, int]]) -> None:
    """Marks equal those of a plain reading of the complete log, whatever the window evicts."""
    window, now, counted = SeenWindow(), 0, {}
    for key, wait in steps:
        now += wait
        plain = key in counted and now - counted[key] <= DUPLICATE_WINDOW_MS
        assert window.holds(key, now) == plain
        if not plain:
            window.add(key, now)
            counted[key] = now


@given(steps=_steps, cut=st.integers(0, 60))
def test_a_window_that_was_filled_again_marks_what_the_old_one_marked(
    steps: list[tuple[bytes, int]], cut: int
) -> None:
    old, stored, now = SeenWindow(), [], 0
    for index, (key, wait) in enumerate(steps):
        now += wait
        if index == cut:
            fresh = SeenWindow()
            newest = max((at for _, at in stored), default=0)
            fresh.fill((key, at) for key, at in stored if at >= newest - DUPLICATE_WINDOW_MS)
            old = fresh
        if not old.holds(key, now):
            assert all(now - at > DUPLICATE_WINDOW_MS for seen, at in stored if seen == key)
            old.add(key, now)
            stored.append((key, now))


def test_memory_is_bounded_and_early_evictions_are_counted() -> None:
    window = SeenWindow(span_ms=1_600, max_keys=10)
    for number in range(25):
        window.add(b"%d" % number, 100 * number // 2)

    assert len(window) <= 10
    assert window.forgotten_early == 25 - len(window)
    assert window.holds(b"24", 1_200)
    assert not window.holds(b"1", 1_200)
