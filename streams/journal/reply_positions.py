"""Where replies of ended requests lie, 20 bytes each, for as long as their ids are deduplicated.

A place is packed into 64 bits: 10 for the topic, 14 for the partition, 40 for the offset. Topics
are numbered as they come; a reply on the 1,024th topic, or on a partition above 16,383, is not
remembered, and its sender is told the status only.
"""

from __future__ import annotations

from core.dedup_index import RecentKeys, packed_key
from streams.journal.sent_replies import RecordPlace

_PARTITION_BITS, _OFFSET_BITS = 14, 40
MOST_TOPICS = 1 << 10


class ReplyPlaces:
    """Places by identity key; times are broker ms."""

    def __init__(self, span_ms: int) -> None:
        self._packed = RecentKeys(span_ms)
        self._topics: list[str] = []
        self._numbers: dict[str, int] = {}

    def put(self, identity: bytes, at: int, place: str) -> None:
        """Remember where the reply of a request that ended at `at` lies."""
        found = RecordPlace.parse(place)
        topic = None if found is None else self._number(found.topic)
        if found is None or topic is None:
            return
        if found.partition >> _PARTITION_BITS or found.offset >> _OFFSET_BITS:
            return
        number = (topic << _PARTITION_BITS | found.partition) << _OFFSET_BITS | found.offset
        self._packed.put(packed_key(identity), at, number)

    def of(self, identity: bytes) -> RecordPlace | None:
        """Where a request's reply lies; `None` where that is not known."""
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
        """Drop what lies wholly before this time; how many places went."""
        return self._packed.forget_before(at)

    def _number(self, topic: str) -> int | None:
        number = self._numbers.get(topic)
        if number is None and len(self._topics) < MOST_TOPICS:
            number = self._numbers[topic] = len(self._topics)
            self._topics.append(topic)
        return number
