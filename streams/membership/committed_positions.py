"""Read positions after an assignment: the committed offsets, offset 0 included.

aiokafka's own reset leaves a partition where it is when offset 0 is committed. Faust discards
records that it fetches before a rebalance has ended, and relies on that reset: the first records of
a new partition were lost so. It also queries the broker once for each partition; this queries once
for all.
"""

from __future__ import annotations

from typing import Any


async def seek_to_committed(consumer: Any) -> dict[Any, int | None]:
    """Seek every assigned partition to its committed offset, or to its beginning without one;
    return the committed offsets.

    Raises:
        KafkaError: the broker did not respond.
    """
    places = consumer.assignment()
    found = await consumer._coordinator.fetch_committed_offsets(list(places))
    committed = {
        place: found[place].offset if place in found and found[place].offset >= 0 else None
        for place in places
    }
    # A new rebalance may have begun; its partitions are then read from their committed offsets.
    for place in places & consumer.assignment():
        consumer.seek(place, committed[place] or 0)
    return committed
