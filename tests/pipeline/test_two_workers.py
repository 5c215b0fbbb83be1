"""Two workers of one group: what messages, topics and ends of processes may do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest

from tests.rig.poison import FAILS, NAMES, balanced, poisoned, start
from tests.rig.stack import Stack
from tests.rig.topology import changed, make_request_topics, readiness


def _is_ready(url: str) -> bool:
    return readiness(url)[0] == 200


@pytest.fixture(scope="module")
def pair(pipeline: Stack) -> Iterator[Stack]:
    """The pipeline with two workers in which marked messages fail, in place of its own."""
    make_request_topics(pipeline.bootstrap)
    pipeline.processes["worker-1"].stop()
    for number in (1, 2):
        start(pipeline, number)
    try:
        for name in NAMES:
            probe = partial(_is_ready, pipeline.page_url(name))
            pipeline.processes[name].wait_ready(probe, 60)
        yield pipeline
    finally:
        for name in NAMES:
            pipeline.processes[name].stop()
        del pipeline.processes["worker-2"]
        pipeline.start_worker()


def test_poison_in_every_agent_ends_once_over_restarts_and_the_partition_goes_on(
    pair: Stack, own_name: str
) -> None:
    caller, restarts = asyncio.run(poisoned(pair, own_name, FAILS))
    assert sum(restarts.values()) >= 2
    books = balanced(pair, caller)
    assert books.balanced, books


def test_new_partitions_and_a_topic_made_anew_are_taken_up_and_nothing_is_dropped(
    pair: Stack, own_name: str
) -> None:
    asyncio.run(changed(pair, own_name, (6, 3, 5)))
