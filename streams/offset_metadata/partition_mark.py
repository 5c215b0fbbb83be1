"""What a partition's committed offset says beside the offset: who reads it, and which messages are
under suspicion of ending processes. Pure: bytes and offsets, nothing of Kafka.

A worker that takes a partition over commits the offset again, with its incarnation as the holder.
One that gives the partition up, or leaves in order, takes its name off. So a name of somebody else
says that this process ended while it read from that offset on. What lies between the committed
offset and the end was in its hands, and one of those messages may have ended it.

The first such end is nobody's fault as far as anybody knows. After the second one, or at once where
few messages are suspected, those messages are tried one at a time, and each try is committed before
it begins. So the message that ends processes is found, and costs a bounded number of them. Ordinary
messages cost nothing: the mark rides on commits that are made anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

FEW_SUSPECTS = 8
"""So few messages are tried one at a time after the first process that ended."""

LOST_BEFORE_TRIALS = 2
"""Processes that ended over many messages before those are tried one at a time."""

MOST_SUSPECTS = 10_000
"""Messages behind the committed offset that a process can have had in its hands."""

MOST_COUNTED = 64
"""Messages whose tries are kept for one partition; a broker takes 4 KiB of metadata."""

MAX_OFFSET = 2**63 - 1
"""The greatest offset that Kafka's protocol has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCounts:
    """Tries of one message: `failed` by an exception, `ended` with their process."""

    failed: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionMark:
    """The state of one partition. `topic_id` tells a topic from one of the same name before it,
    empty where the broker tells no ids; `holder` is the incarnation that reads; `lost` counts
    processes that ended without progress past `until`; `on_trial` is the offset being tried alone.
    """

    topic_id: str = ""
    holder: str = ""
    lost: int = 0
    until: int = 0
    on_trial: int | None = None
    counts: Mapping[int, TryCounts] = field(default_factory=dict)

    def encode(self) -> str:
        """As metadata of a commit."""
        counts = sorted(self.counts.items())[:MOST_COUNTED]
        return orjson.dumps(
            {
                "topic": self.topic_id,
                "holder": self.holder,
                "lost": self.lost,
                "until": self.until,
                "trial": self.on_trial,
                "tries": [[offset, each.failed, each.ended] for offset, each in counts],
            }
        ).decode()

    @classmethod
    def decode(cls, metadata: str) -> PartitionMark | None:
        """From metadata of a commit; `None` for metadata of another form."""
        try:
            found = orjson.loads(metadata)
            return cls(
                topic_id=str(found["topic"]),
                holder=str(found["holder"]),
                lost=_count(found["lost"]),
                until=_count(found["until"]),
                on_trial=None if found["trial"] is None else _count(found["trial"]),
                counts={
                    _count(offset): TryCounts(failed=_count(failed), ended=_count(ended))
                    for offset, failed, ended in found["tries"]
                },
            )
        except (ValueError, TypeError, KeyError):
            return None

    def taken_over(self, holder: str, committed: int, end: int) -> PartitionMark:
        """For the incarnation that reads on at the committed offset; `end` is the log's end."""
        counts = {offset: each for offset, each in self.counts.items() if offset >= committed}
        kept = replace(self, holder=holder, on_trial=None, counts=counts)
        if committed >= end:
            return replace(kept, lost=0, until=committed)
        unresolved = committed < self.until
        if self.holder in {"", holder}:
            return replace(kept, lost=self.lost if unresolved else 0)
        if self.on_trial is not None and self.on_trial >= committed:
            tried = counts.get(self.on_trial, TryCounts())
            counts[self.on_trial] = replace(tried, ended=tried.ended + 1)
        return replace(
            kept,
            lost=self.lost + 1 if unresolved else 1,
            until=min(end, committed + MOST_SUSPECTS),
        )

    def given_up(self) -> PartitionMark:
        """Nobody reads any more, by order."""
        return replace(self, holder="", on_trial=None)

    def at(self, committed: int) -> PartitionMark:
        """When the committed offset is this: what lies before it is forgotten."""
        if committed < self.until or not (self.lost or self.counts):
            return self
        counts = {offset: each for offset, each in self.counts.items() if offset >= committed}
        return replace(self, lost=0, counts=counts)

    def suspects(self, offset: int, committed: int) -> bool:
        """Whether a message must be tried alone."""
        if offset >= self.until or not self.lost:
            return False
        return self.lost >= LOST_BEFORE_TRIALS or self.until - committed <= FEW_SUSPECTS

    def trying(self, offset: int | None) -> PartitionMark:
        """While a message is tried alone; nobody is with `None`."""
        return replace(self, on_trial=offset)

    def failed(self, offset: int, times: int) -> PartitionMark:
        """After a message failed so many times by an exception."""
        tried = self.counts.get(offset, TryCounts())
        return replace(self, counts={**self.counts, offset: replace(tried, failed=times)})


def _count(value: object) -> int:
    """An offset or a number of times.

    Raises:
        ValueError: it is neither: JSON can't hold a greater one again.
    """
    if type(value) is not int or not 0 <= value <= MAX_OFFSET:
        raise ValueError("not a count")
    return value
