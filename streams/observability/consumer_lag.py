"""How far a worker is behind, from what its consumer knows already: no request to the broker.

Every fetch answer tells the partition's end (aiokafka's `highwater`), and Faust remembers what it
committed. Both are reads of a dictionary, so a scrape may ask for every partition. What is not
known yet, a partition that was never fetched or committed, is left out: unknown is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

Partition = tuple[str, int]


def consumer_lag(
    partitions: Iterable[Partition],
    end: Callable[[Partition], int | None],
    committed: Callable[[Partition], int | None],
) -> Mapping[Partition, int]:
    """Records behind the committed offset of each partition of which both are known.

    `end` may raise for a partition that was just taken away. An empty partition has no committed
    offset and no lag.
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
