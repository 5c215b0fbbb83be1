"""What the journal reads of its topics, on a consumer in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiokafka import TopicPartition

from core.kafka.standalone.in_memory import InMemoryConsumer, InMemoryTopics
from schemas.journal_headers import CALL_ID, CUT_OFF
from streams.journal.journal_log import call_ids, first_uncommitted

GROUP = "workers"
A, B = "tier-a", "tier-b"


def _topics(*names: str) -> InMemoryTopics:
    topics = InMemoryTopics()
    for name in names:
        topics.create(name, 3)
    return topics


def _oldest(topics: InMemoryTopics) -> Mapping[int, int]:
    consumer = InMemoryConsumer(topics, group=GROUP)
    return asyncio.run(first_uncommitted(consumer, (A, B), [0, 1, 2]))


def test_the_oldest_uncommitted_record_of_all_topics_counts() -> None:
    topics = _topics(A, B)
    for topic, times in ((A, (10, 20, 30)), (B, (15, 25))):
        for at in times:
            topics.append(TopicPartition(topic, 0), b"v", at=at)
    topics.append(TopicPartition(B, 1), b"v", at=5)
    topics.commits[GROUP, TopicPartition(A, 0)] = 2
    topics.commits[GROUP, TopicPartition(B, 0)] = 1
    topics.commits[GROUP, TopicPartition(B, 1)] = 1

    assert _oldest(topics) == {0: 25}


def test_without_a_commit_the_first_record_of_the_log_counts() -> None:
    topics = _topics(A, B)
    for at in (10, 20, 30):
        topics.append(TopicPartition(A, 2), b"v", at=at)
    topics.delete_before(TopicPartition(A, 2), 1)

    assert _oldest(topics) == {2: 20}


def test_a_deleted_topic_and_one_with_fewer_partitions_have_no_unfinished_work() -> None:
    topics = _topics(A, B)
    topics.append(TopicPartition(A, 2), b"v", at=10)
    topics.delete(B)

    assert _oldest(topics) == {2: 10}

    topics.create(B, 1)
    topics.append(TopicPartition(B, 0), b"v", at=5)

    assert _oldest(topics) == {0: 5, 2: 10}


def test_only_markers_after_a_commit_are_no_work() -> None:
    topics = _topics(A, B)
    topics.append(TopicPartition(A, 0), b"v", at=10)
    topics.append_marker(TopicPartition(A, 0))
    topics.commits[GROUP, TopicPartition(A, 0)] = 1

    assert _oldest(topics) == {}


def test_recorded_calls_since_a_time_with_their_marks() -> None:
    topics = _topics("cost")
    place = TopicPartition("cost", 0)
    topics.append(place, b"v", headers=[(CALL_ID, b"early")], at=10)
    topics.append(place, b"v", headers=[(CALL_ID, b"a"), (CUT_OFF, b"")], at=20)
    topics.append(place, b"v", headers=[(CALL_ID, b"a")], at=30)
    topics.append(place, b"v", at=30)
    topics.append(place, b"v", headers=[(CALL_ID, b"b")], at=30)
    topics.append_marker(place)

    found = asyncio.run(call_ids(InMemoryConsumer(topics), {place: 20}))

    assert found == {"a": True, "b": False}
