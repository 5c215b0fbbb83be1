"""Two workers of one group: what messages and ends of processes may do to them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.services import some_clickhouse, some_kafka
from tests.rig.poison import FAILS, NAMES, balanced, poisoned, start
from tests.rig.stack import Stack, start_basics
from tests.rig.topology import changed


@pytest.fixture(scope="module")
def pair() -> Iterator[Stack]:
    """A pipeline with two workers in which marked messages fail; its books are its own."""
    with (
        tempfile.TemporaryDirectory(prefix="sluice-pair-") as folder,
        some_kafka() as kafka,
        some_clickhouse() as clickhouse,
    ):
        stack = Stack(Path(folder), kafka_at=kafka, clickhouse_at=clickhouse)
        try:
            start_basics(stack, "--latency-ms", "0")
            stack.start_sink(wait=False)
            for number in (1, 2):
                start(stack, number)
            for name in NAMES:
                stack.processes[name].wait_ready(stack.ready(name), 60)
            yield stack
        finally:
            for name in list(stack.processes):
                stack.kill(name)


def test_poison_in_every_agent_ends_once_over_restarts_and_the_partition_goes_on(
    pair: Stack, own_name: str
) -> None:
    caller, restarts = asyncio.run(poisoned(pair, own_name, FAILS))
    assert sum(restarts.values()) >= 2
    books = balanced(pair, caller)
    assert books.balanced, books


def test_new_partitions_and_a_topic_made_anew_are_taken_up_and_each_request_answered_once(
    pair: Stack, own_name: str
) -> None:
    """Workers with fixed names that were restarted: none of them was made their group's leader."""
    for name in NAMES:
        pair.processes[name].wait_ready(pair.ready(name), 60)
    changes = asyncio.run(changed(pair, NAMES, own_name, (6, 3, 8)))
    assert set(changes.replies.values()) == {1}
    assert {each.status for each in changes.pages} == {200, 503}
    assert not any(each.is_green_without_requests for each in changes.pages)
