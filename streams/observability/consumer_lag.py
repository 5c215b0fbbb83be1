"""Consumer lag of a worker from its consumer's memory, without a request to the broker.

Every fetch response has the partition's end (aiokafka's `highwater`), and Faust keeps its commits.
Both are dictionary reads, so a scrape can read every partition. A partition that was never fetched
or committed is left out: unknown is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

Partition = tuple[str, int]


def consumer_lag(
    partitions: Iterable[Partition],
    end: Callable[[Partition], int | None],
    committed: Callable[[Partition], int | None],
) -> Mapping[Partition, int]:
    """Yield the records after the committed offset of each partition with both values known.

    `end` may raise for a revoked partition. An empty partition has no committed offset and no lag.
    """
    found = {}
    for place in partitions:
        behind = _behind(place, end, committed)
        if behind is not None:
            found[place] = behind
    return found


def _behind(
    place: Partition,
    end: Callable[[Partition], int | None],
    committed: Callable[[Partition], int | None],
) -> int | None:
    try:
        last = end(place)
    except Exception:  # noqa: BLE001 - the driver has one error for each state it may be in
        return None
    if last is None:
        return None
    done = committed(place)
    if done is None:
        return 0 if last == 0 else None
    return max(last - done, 0)
