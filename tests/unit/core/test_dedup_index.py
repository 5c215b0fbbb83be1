"""Packed memory of what was seen lately: as a dictionary would have it, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.dedup_index import SLICES, RecentKeys, packed_key

SPAN = 3_000
_puts = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 700), st.integers(0, 2**64 - 1)), max_size=200
)


@given(puts=_puts)
def test_it_agrees_with_a_dictionary(puts: list[tuple[int, int, int]]) -> None:
    recent, plain, now = RecentKeys(SPAN), {}, 1_700_000_000_000
    for name, wait, number in puts:
        now += wait
        key = packed_key(b"%d" % name)
        recent.put(key, now, number)
        plain[key] = (now, number)
        for known, (at, value) in plain.items():
            assert (recent.at(known), recent.number(known)) == (at, value)


@given(puts=_puts)
def test_keys_in_the_span_are_kept_and_older_ones_expire_at_most_a_slice_late(
    puts: list[tuple[int, int, int]],
) -> None:
    recent, plain, now = RecentKeys(SPAN), {}, 0
    for name, wait, _ in puts:
        now += wait
        key = packed_key(b"%d" % name)
        recent.put(key, now)
        recent.forget_before(now - SPAN)
        plain[key] = now
        for known, at in plain.items():
            if at >= now - SPAN:
                assert recent.at(known) == at
            elif at < now - SPAN - SPAN // SLICES:
                assert recent.at(known) is None


def test_keys_with_the_same_slot_are_distinguished() -> None:
    recent = RecentKeys(SPAN)
    keys = [64 * number for number in range(40)]
    for number, key in enumerate(keys):
        recent.put(key, 0, number)
    assert [recent.number(key) for key in keys] == list(range(40))
    assert recent.at(64 * 40) is None


def test_memory_of_a_steady_stream_is_constant_after_a_span() -> None:
    recent, sizes = RecentKeys(SPAN), []
    for now in range(5 * SPAN):
        recent.put(packed_key(b"%d" % now), now)
        recent.forget_before(now - SPAN)
        if now % SPAN == SPAN - 1:
            sizes.append(len(recent))
    assert max(sizes[1:]) == min(sizes[1:]) <= SPAN * (SLICES + 1) // SLICES


def test_the_oldest_keys_can_be_evicted_but_never_all() -> None:
    recent = RecentKeys(SPAN)
    recent.put(1, 0)
    assert recent.forget_oldest() == 0
    recent.put(2, SPAN)
    assert recent.forget_oldest() == 1
    assert (recent.at(1), recent.at(2)) == (None, SPAN)
    assert list(recent.oldest_first()) == [(2, SPAN)]
