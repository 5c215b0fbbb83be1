"""Positions of replies of ended requests, 20 bytes each, while their ids are deduplicated.

A position is packed into 64 bits: 10 for the topic, 14 for the partition, 40 for the offset. Topics
are numbered in order of use. A reply on the 1,024th topic, or on a partition above 16,383, is not
kept, and a duplicate receives the status only.
"""

from __future__ import annotations

from core.dedup_index import RecentKeys, packed_key
from streams.journal.sent_replies import RecordPlace

_PARTITION_BITS, _OFFSET_BITS = 14, 40
MOST_TOPICS = 1 << 10


class ReplyPlaces:
    """Positions by identity key; times are broker ms."""

    def __init__(self, span_ms: int) -> None:
        self._packed = RecentKeys(span_ms)
        self._topics: list[str] = []
        self._numbers: dict[str, int] = {}

    def put(self, identity: bytes, at: int, place: str) -> None:
        """Store the position of the reply of a request that ended at `at`."""
        found = RecordPlace.parse(place)
        topic = None if found is None else self._number(found.topic)
        if found is None or topic is None:
            return
        if found.partition >> _PARTITION_BITS or found.offset >> _OFFSET_BITS:
            return
        number = (topic << _PARTITION_BITS | found.partition) << _OFFSET_BITS | found.offset
        self._packed.put(packed_key(identity), at, number)

    def of(self, identity: bytes) -> RecordPlace | None:
        """Return the position of a request's reply; `None` if it is unknown."""
        number = self._packed.number(packed_key(identity))
        if number is None:
            return None
        rest = number >> _OFFSET_BITS
        return RecordPlace(
            topic=self._topics[rest >> _PARTITION_BITS],
            partition=rest & ((1 << _PARTITION_BITS) - 1),
            offset=number & ((1 << _OFFSET_BITS) - 1),
        )

    def forget_before(self, at: int) -> int:
        """Drop positions from before this time; return their number."""
        return self._packed.forget_before(at)

    def _number(self, topic: str) -> int | None:
        number = self._numbers.get(topic)
        if number is None and len(self._topics) < MOST_TOPICS:
            number = self._numbers[topic] = len(self._topics)
            self._topics.append(topic)
        return number
