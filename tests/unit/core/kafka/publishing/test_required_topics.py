"""A topic that does not exist is named within seconds."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from core.kafka.publishing.missing_topics import MISSING_S
from core.kafka.publishing.required_topics import require_topic
from schemas.errors import TopicError


class Producer:
    """A started producer; the topic exists after `looks` requests, each of which takes a second."""

    def __init__(self, looks: int) -> None:
        self.client = self
        self._looks = looks
        self.now_s = 0.0

    async def fetch_all_metadata(self) -> SimpleNamespace:
        self.now_s += 1
        self._looks -= 1
        return SimpleNamespace(topics=lambda: {"t"} if self._looks < 0 else {"other"})


async def _no_sleep(seconds: float) -> None: ...


def _require(producer: Producer) -> None:
    asyncio.run(require_topic(producer, "t", _no_sleep, lambda: producer.now_s))


@pytest.mark.parametrize("looks", [0, 2])
def test_a_topic_that_exists_or_is_known_soon_is_no_error(looks: int) -> None:
    _require(Producer(looks))


def test_a_missing_topic_is_a_named_error_within_seconds() -> None:
    producer = Producer(1_000)
    with pytest.raises(TopicError, match="the topic t does not exist"):
        _require(producer)
    assert producer.now_s <= MISSING_S + 2
