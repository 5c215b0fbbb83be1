"""Which reply topics are permitted, and how often the broker is queried for their existence."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topic_declarations import declared_topics
from streams.flow.reply_topics import ReplyTopicPolicy, TopicDirectory

POLICY = ReplyTopicPolicy(
    prefixes={
        "llm.replies.": None,
        "replies.": None,
        "replies.acme.": "acme",
        "replies.acme.public.": None,
        "globex-": "globex",
    }
)


@pytest.mark.parametrize("topic", ["llm.replies.v1", "llm.replies.team-a", "replies.orders"])
def test_topics_under_an_allowed_prefix_are_allowed(topic: str) -> None:
    assert POLICY.allows(topic, None)
    assert POLICY.allows(topic, "acme")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "orders",
        "llm.requests.v1",
        "llm.replies.gateway.v1",
        "replies.x.dlq",
        "__consumer_offsets",
        "replies.a b",
        "r" * 300,
    ],
)
def test_all_others_are_refused(topic: str) -> None:
    assert not POLICY.allows(topic, None)
    assert not POLICY.is_open(topic)


@pytest.mark.parametrize(
    ("topic", "tenant", "allowed"),
    [
        ("replies.acme.orders", "acme", True),
        ("replies.acme.orders", "globex", False),
        ("replies.acme.orders", None, False),
        ("replies.acme.public.x", "globex", True),
        ("replies.acmeother", "globex", True),
        ("globex-answers", "globex", True),
        ("globex-answers", None, False),
    ],
)
def test_a_tenant_s_topics_are_open_to_its_own_requests_only(
    topic: str, tenant: str | None, *, allowed: bool
) -> None:
    assert POLICY.allows(topic, tenant) is allowed
    assert POLICY.is_open(topic)


@given(st.lists(st.sampled_from(["", "llm.", "replies.", "__", "llm.events"]), max_size=3))
def test_no_allow_list_permits_a_declared_topic(prefixes: list[str]) -> None:
    policy = ReplyTopicPolicy(prefixes=dict.fromkeys(prefixes))
    own = {topic.name for topic in declared_topics()} - {"llm.replies.v1"}

    assert not [name for name in own if policy.is_open(name)]


class Broker:
    """Has some topics, counts its queries."""

    def __init__(self, *topics: str) -> None:
        self.topics = set(topics)
        self.queries = 0
        self.now = 0.0

    async def fetch(self) -> set[str]:
        self.queries += 1
        return self.topics

    def directory(self) -> TopicDirectory:
        return TopicDirectory(self.fetch, lambda: self.now, pause_s=1.0, keep_s=60.0)


def test_a_known_topic_is_cached_until_its_entry_expires() -> None:
    async def scenario() -> None:
        broker = Broker("replies.a")
        directory = broker.directory()
        assert await directory.has("replies.a")
        assert await directory.has("replies.a")
        assert broker.queries == 1
        broker.now, broker.topics = 61.0, set()
        assert not await directory.has("replies.a")

    asyncio.run(scenario())


def test_a_flood_of_missing_topics_queries_the_broker_once_a_second() -> None:
    async def scenario() -> None:
        broker = Broker("replies.a")
        directory = broker.directory()
        for number in range(50):
            assert not await directory.has(f"replies.none-{number}")
        assert broker.queries == 1
        broker.now, broker.topics = 1.5, {"replies.none-7"}
        assert await directory.has("replies.none-7")

    asyncio.run(scenario())
