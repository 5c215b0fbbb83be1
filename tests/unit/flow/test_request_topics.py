"""Whether a worker has the request partitions that it should have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streams.flow.request_topics import RequestTopic

IN_ORDER = RequestTopic(name="r", exists=True, partitions=4, assigned=4, owned=(0, 1))


@pytest.mark.parametrize(
    "topic",
    [
        IN_ORDER,
        replace(IN_ORDER, assigned=0),
        replace(IN_ORDER, owned=(), members=5),
        replace(IN_ORDER, partitions=1, assigned=1, owned=(), members=2),
        replace(IN_ORDER, owned=(), members=None),
    ],
    ids=["two of four", "count unknown", "more workers", "one partition", "members unknown"],
)
def test_a_worker_with_its_share_is_in_order(topic: RequestTopic) -> None:
    assert topic.fault is None


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        (replace(IN_ORDER, exists=False), "does not exist"),
        (replace(IN_ORDER, is_anew=True), "made anew"),
        (replace(IN_ORDER, partitions=6), "has 6 partitions, of which 4 are assigned"),
        (replace(IN_ORDER, partitions=3), "has 3 partitions, of which 3 are assigned"),
        (replace(IN_ORDER, owned=(), members=4), "none of the 4 partitions"),
    ],
)
def test_a_fault_is_said(topic: RequestTopic, said: str) -> None:
    assert topic.fault is not None
    assert said in topic.fault
