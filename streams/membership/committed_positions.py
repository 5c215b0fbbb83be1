"""Where a consumer reads on: at what is committed, offset 0 included.

aiokafka's own way back leaves a partition where it is when offset 0 is committed. Faust discards
the records that it fetches before a rebalance has ended, trusting in that way back. The first
records of a new partition were lost so. It also asks the broker once for each partition; this asks
once for all.
"""

from __future__ import annotations

from typing import Any


async def seek_to_committed(consumer: Any) -> dict[Any, int | None]:
    """Read every assigned partition on at its committed offset, or from its beginning where none is
    committed; the committed offsets.

    Raises:
        KafkaError: the broker did not answer.
    """
    places = consumer.assignment()
    found = await consumer._coordinator.fetch_committed_offsets(list(places))
    committed = {
        place: found[place].offset if place in found and found[place].offset >= 0 else None
        for place in places
    }
    # A rebalance may have begun meanwhile; whatever it assigns is read from its committed offset.
    for place in places & consumer.assignment():
        consumer.seek(place, committed[place] or 0)
    return committed
