"""Queries of offsets and partitions to librdkafka, with retries and named errors."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from aiokafka import TopicPartition
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as Position

from core.kafka.fetch_thread import FetchThread
from core.kafka.preflight import no_answer
from schemas.errors import KafkaAccessError, KafkaAwayError, TopicError

AWAY_S = 30.0
"""Time without an answer after which Kafka counts as away."""

MISSING_S = 3.0
"""Time after which a topic counts as missing; another broker may know of it later."""

REJECTED_S = 30.0
"""Time after which a rejection counts: brokers that start may reject, and a token is renewed."""

START_S = 5.0
"""`AWAY_S` before the first answer."""

REJECTED_AT_START_S = 5.0
"""`REJECTED_S` before the first answer."""

_ATTEMPT_S = 2.0
_PAUSE_S = 0.2
_MISSING = frozenset(
    (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError._UNKNOWN_TOPIC,
    )
)
_FORBIDDEN = frozenset(
    (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
)

_Answer = TypeVar("_Answer")


class LibrdkafkaQueries:
    """The queries of `StandaloneConsumer` on a fetch thread."""

    def __init__(self, thread: FetchThread, servers: str) -> None:
        self._thread = thread
        self._servers = servers
        self._has_answered = False

    async def check(self) -> None:
        """Check that a broker answers. Raises as `StandaloneConsumer`."""
        await self._query(lambda consumer: consumer.list_topics("", timeout=_ATTEMPT_S), ())

    async def partitions(self, topic: str) -> int:
        """See `StandaloneConsumer`."""

        def count(consumer: Consumer) -> int:
            found = consumer.list_topics(topic, timeout=_ATTEMPT_S).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            return len(found.partitions)

        return await self._query(count, (topic,))

    async def counts(self, topics: Collection[str]) -> Mapping[str, int]:
        """See `StandaloneConsumer`."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while True:
            found = await self._query(_all_counts, ())
            counts = {topic: found.get(topic, 0) for topic in topics}
            if all(counts.values()) or clock() - began > MISSING_S:
                return counts
            await asyncio.sleep(_PAUSE_S)

    async def begins(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `StandaloneConsumer`."""
        return await self._offsets(dict.fromkeys(places, OFFSET_BEGINNING))

    async def ends(self, places: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `StandaloneConsumer`."""
        return await self._offsets(dict.fromkeys(places, OFFSET_END))

    async def offsets_at(self, times: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """See `StandaloneConsumer`."""
        found = await self._offsets({place: max(at, 0) for place, at in times.items()})
        after = [place for place, offset in found.items() if offset < 0]
        return {**found, **await self.ends(after)}

    async def committed(
        self, places: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int | None]:
        """See `StandaloneConsumer`."""
        positions = [Position(*place) for place in places]
        found = await self._per_partition(
            lambda consumer: consumer.committed(positions, timeout=_ATTEMPT_S), places
        )
        return {place: None if offset < 0 else offset for place, offset in found.items()}

    async def _offsets(self, times: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        if not times:
            return {}
        positions = [Position(place.topic, place.partition, at) for place, at in times.items()]
        return await self._per_partition(
            lambda consumer: consumer.offsets_for_times(positions, timeout=_ATTEMPT_S), times
        )

    async def _per_partition(
        self, question: Callable[[Consumer], list[Position]], places: Collection[TopicPartition]
    ) -> dict[TopicPartition, int]:
        def run_query(consumer: Consumer) -> dict[TopicPartition, int]:
            answers = question(consumer)
            for each in answers:
                if each.error is not None:
                    raise KafkaException(each.error, f"{each.topic}, partition {each.partition}")
            return {TopicPartition(each.topic, each.partition): each.offset for each in answers}

        return await self._query(run_query, sorted({place.topic for place in places}))

    async def _query(
        self, question: Callable[[Consumer], _Answer], topics: Sequence[str]
    ) -> _Answer:
        """Return the answer of a broker. Raises as `StandaloneConsumer`."""
        clock = asyncio.get_running_loop().time
        began, rejected_at = clock(), None
        while True:
            try:
                answer = await self._thread.call(question)
            except KafkaException as error:
                fault: KafkaError = error.args[0]
                of = ", ".join(error.args[1:] or topics)
            else:
                self._thread.accepted()
                self._has_answered = True
                return answer
            waited_s = clock() - began
            rejection = self._thread.rejection
            rejected_at = None if rejection is None else rejected_at or clock()
            if fault.code() in _FORBIDDEN:
                raise forbidden(fault, topics)
            if fault.code() in _MISSING and waited_s > MISSING_S:
                raise TopicError(
                    f"{of}: {fault.str()}. sluice topics check compares topics and partition "
                    "counts; sluice topics create creates what is missing"
                )
            away_s, rejected_s = (
                (AWAY_S, REJECTED_S) if self._has_answered else (START_S, REJECTED_AT_START_S)
            )
            if rejected_at is not None and clock() - rejected_at > rejected_s:
                raise KafkaAccessError(
                    f"Kafka rejects the connection: {rejection}; check SLUICE_KAFKA_SASL_*, "
                    "SLUICE_KAFKA_OAUTH_* and SLUICE_KAFKA_CA_FILE"
                )
            if fault.code() == KafkaError._DESTROY:
                raise KafkaAwayError("the consumer of Kafka is closed")
            if waited_s > away_s and rejection is None:
                raise KafkaAwayError(await asyncio.to_thread(no_answer, self._servers))
            await asyncio.sleep(_PAUSE_S)


def _all_counts(consumer: Consumer) -> dict[str, int]:
    found = consumer.list_topics(timeout=_ATTEMPT_S).topics
    return {name: len(each.partitions) for name, each in found.items() if each.error is None}


def forbidden(fault: KafkaError, topics: Sequence[str]) -> KafkaAccessError:
    """Return the error for a missing permission."""
    return KafkaAccessError(
        f"{', '.join(topics)}: {fault.str()}; give this user the missing permission (ACL)"
    )
