"""Places become few reads that hold them all."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from infra.labels.request_log import spans


def test_near_offsets_are_read_over_far_ones_are_sought() -> None:
    assert list(spans([5, 1, 3, 100, 101, 5], gap=10)) == [(1, 5), (100, 101)]
    assert list(spans([1, 11, 22], gap=10)) == [(1, 11), (22, 22)]
    assert list(spans([])) == []


@given(st.lists(st.integers(0, 5_000), min_size=1), st.integers(1, 300))
def test_ranges_cover_every_offset_once(offsets: list[int], gap: int) -> None:
    found = list(spans(offsets, gap))

    for offset in offsets:
        assert sum(first <= offset <= last for first, last in found) == 1
    assert all(first in offsets and last in offsets for first, last in found)
    assert all(b[0] - a[1] > gap for a, b in pairwise(found))
