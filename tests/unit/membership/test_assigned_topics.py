"""Whether the partitions of a topic are assigned correctly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.membership.assigned_topics import RequestTopic, work_topic_fault

ALL = frozenset(range(4))
IN_ORDER = RequestTopic(name="r", exists=True, partitions=4, given=ALL, owned=(0, 1), members=2)
GONE = replace(IN_ORDER, exists=False, partitions=0, given=frozenset(), owned=())


@pytest.mark.parametrize(
    "topic",
    [
        IN_ORDER,
        replace(IN_ORDER, given=None, members=None),
        replace(IN_ORDER, owned=(), members=5),
        replace(IN_ORDER, partitions=1, given=frozenset({0}), owned=(), members=2),
        replace(IN_ORDER, owned=(), given=None, members=None),
    ],
    ids=["two of four", "rebalancing", "more workers", "one partition", "members unknown"],
)
def test_a_worker_with_its_share_is_in_order(topic: RequestTopic) -> None:
    assert topic.fault is None
    assert not topic.is_misassigned


@pytest.mark.parametrize(
    ("topic", "message", "is_misassigned"),
    [
        (GONE, "does not exist", False),
        (replace(GONE, given=ALL, owned=(0, 1)), "does not exist", True),
        (replace(IN_ORDER, is_anew=True), "was recreated", True),
        (replace(IN_ORDER, is_anew=True, given=None, members=None), "was recreated", True),
        (replace(IN_ORDER, partitions=6), "has 6 partitions, of which 4 are assigned", True),
        (replace(IN_ORDER, partitions=3), "has 3 partitions, of which 3 are assigned", True),
        (replace(IN_ORDER, given=frozenset({0, 1, 3})), "of which 3 are assigned", True),
        (replace(IN_ORDER, owned=(), members=4), "none of the 4 partitions", False),
    ],
)
def test_a_fault_is_described(topic: RequestTopic, message: str, is_misassigned: bool) -> None:
    assert topic.fault is not None
    assert message in topic.fault
    assert topic.is_misassigned == is_misassigned


@pytest.mark.parametrize(
    ("topic", "is_read"),
    [
        (IN_ORDER, True),
        (replace(IN_ORDER, partitions=6), True),
        (replace(IN_ORDER, partitions=1), True),
        (replace(IN_ORDER, partitions=1, owned=(1, 3)), False),
        (replace(IN_ORDER, owned=()), False),
        (replace(IN_ORDER, is_anew=True), False),
        (replace(GONE, owned=(0, 1)), False),
    ],
)
def test_only_partitions_that_there_are_count_as_read(topic: RequestTopic, is_read: bool) -> None:
    assert topic.is_read == is_read


@pytest.mark.parametrize(
    ("partitions", "message"),
    [
        ({"a": 4, "b": 4, "c": 4}, None),
        ({"a": 4, "b": 4, "c": 4, "other": 1}, None),
        ({"a": 4, "c": 4}, "the topic b does not exist; create it: sluice topics create"),
        ({"c": 4}, "the topic a does not exist (and 1 more); create it: sluice topics create"),
        ({"a": 4, "b": 4, "c": 2}, "the topic c has 2 partitions, other"),
        ({"a": 4, "b": 4, "c": 6}, "the topic a has 4 partitions, other"),
    ],
)
def test_work_topics_exist_and_share_one_partition_count(
    partitions: dict[str, int], message: str | None
) -> None:
    fault = work_topic_fault(("a", "b", "c"), partitions)
    if message is None:
        assert fault is None
    else:
        assert fault is not None
        assert fault.startswith(message)
