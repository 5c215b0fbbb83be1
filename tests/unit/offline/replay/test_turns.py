"""How the processes of one replay divide its ranges."""

from __future__ import annotations

import multiprocessing

import pytest

from infra.replays.processes import WorkQueue
from streams.offline.replay.run_spec import OffsetSpan

PIECES = [OffsetSpan(topic="t", partition=0, first=n, end=n + 1) for n in range(5)]


@pytest.fixture
def turns() -> WorkQueue:
    context = multiprocessing.get_context("spawn")
    return WorkQueue(context.Value("q", 0), context.Value("q", 0))


def test_each_range_is_given_to_one_process(turns: WorkQueue) -> None:
    one, other = turns.of(PIECES), turns.of(PIECES)
    mine = [next(one), next(one)]
    theirs = [next(other)]
    mine += one

    assert sorted(mine + theirs) == PIECES
    assert next(other, None) is None


def test_no_range_is_given_out_after_a_process_failed(turns: WorkQueue) -> None:
    going = turns.of(PIECES)
    next(going)
    turns.end(PIECES)

    assert list(going) == []
