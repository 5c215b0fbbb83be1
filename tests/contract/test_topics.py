"""The topic declarations have the properties that the pipeline relies on."""

from __future__ import annotations

import pytest

from schemas.topic_declarations import PartitioningClass, declared_topics
from schemas.topics import (
    EVENT_TOPICS,
    MAX_ANSWER_BYTES,
    MAX_REQUEST_BYTES,
    WAIT_DELAYS_S,
    tier_topic,
    wait_topic,
)

TIERS = ("small", "large")
TOPICS = {topic.name: topic for topic in declared_topics(TIERS)}


def test_no_topic_is_declared_twice() -> None:
    assert len(TOPICS) == len(declared_topics(TIERS))


def test_work_and_its_journal_have_the_same_partition_number() -> None:
    work = [tier_topic(tier, high=high) for tier in TIERS for high in (True, False)]
    wait = [wait_topic(delay) for delay in WAIT_DELAYS_S]

    assert {TOPICS[name].width for name in (*work, *wait, *EVENT_TOPICS)} == {
        PartitioningClass.PIPELINE
    }


def test_every_topic_carries_the_brokers_time() -> None:
    assert {topic.config["message.timestamp.type"] for topic in TOPICS.values()} == {
        "LogAppendTime"
    }


def test_a_tier_message_has_room_for_the_largest_request_and_the_best_answer() -> None:
    smallest = min(TOPICS[tier_topic(tier)].max_message_bytes for tier in TIERS)

    assert smallest >= 2 * MAX_REQUEST_BYTES + MAX_ANSWER_BYTES


@pytest.mark.parametrize("name", [name for name in TOPICS if name.endswith(".dlq")])
def test_a_dead_letter_topic_accepts_every_record_of_its_topic(name: str) -> None:
    topic = TOPICS[name.removesuffix(".dlq")]

    assert TOPICS[name].max_message_bytes > topic.max_message_bytes


def test_there_is_no_wait_topic_of_another_delay() -> None:
    with pytest.raises(ValueError, match="no wait topic"):
        wait_topic(7)
