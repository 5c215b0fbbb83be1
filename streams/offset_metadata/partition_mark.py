"""Mark of a partition in the metadata of its committed offset: which worker reads it, and which
messages are suspected of ending processes. Pure: bytes and offsets, no Kafka.

A worker that takes over a partition commits the offset again, with its incarnation as the holder. A
worker that releases the partition, or shuts down, removes its name. So another holder's name says
that its process ended while it read from that offset on. The messages between the committed offset
and the end were in flight, and one of them may have ended it.

The first such end is attributed to no message. After the second one, or at once if few messages are
suspected, those messages are tried one at a time, and each trial is committed before it begins. So
the message that ends processes is found at the cost of a bounded number of them. Other messages
cost nothing: the mark is part of commits that are made anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import orjson

FEW_SUSPECTS = 8
"""Number of suspected messages up to which they are tried one at a time after the first end."""

LOST_BEFORE_TRIALS = 2
"""Ends of processes over many messages before those are tried one at a time."""

MOST_SUSPECTS = 10_000
"""Maximum number of messages in flight after the committed offset."""

MOST_COUNTED = 64
"""Messages whose attempts are kept for one partition; a broker accepts 4 KiB of metadata."""

MAX_OFFSET = 2**63 - 1
"""The maximum offset of Kafka's protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCounts:
    """Attempts of one message: `failed` by an exception, `ended` with their process."""

    failed: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionMark:
    """The state of one partition. `topic_id` distinguishes a recreated topic, and is empty if the
    broker has no topic ids; `holder` is the incarnation that reads; `lost` counts processes that
    ended without progress past `until`; `on_trial` is the offset that is tried alone.
    """

    topic_id: str = ""
    holder: str = ""
    lost: int = 0
    until: int = 0
    on_trial: int | None = None
    counts: Mapping[int, TryCounts] = field(default_factory=dict)

    def encode(self) -> str:
        """Return the mark as metadata of a commit."""
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
        """Read a mark from metadata of a commit; `None` for metadata of another form."""
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
        """Return the mark for the next holder, which reads from the committed offset; `end` is the
        log's end.
        """
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
        """Return the mark without a holder, after an orderly release."""
        return replace(self, holder="", on_trial=None)

    def at(self, committed: int) -> PartitionMark:
        """Return the mark at this committed offset, without messages before it."""
        if committed < self.until or not (self.lost or self.counts):
            return self
        counts = {offset: each for offset, each in self.counts.items() if offset >= committed}
        return replace(self, lost=0, counts=counts)

    def suspects(self, offset: int, committed: int) -> bool:
        """Return whether a message must be tried alone."""
        if offset >= self.until or not self.lost:
            return False
        return self.lost >= LOST_BEFORE_TRIALS or self.until - committed <= FEW_SUSPECTS

    def trying(self, offset: int | None) -> PartitionMark:
        """Return the mark with this message on trial; `None`: no message."""
        return replace(self, on_trial=offset)

    def failed(self, offset: int, times: int) -> PartitionMark:
        """Return the mark after this many failures of a message by an exception."""
        tried = self.counts.get(offset, TryCounts())
        return replace(self, counts={**self.counts, offset: replace(tried, failed=times)})


def _count(value: object) -> int:
    """Check an offset or a count.

    Raises:
        ValueError: it is neither; JSON cannot hold a greater number.
    """
    if type(value) is not int or not 0 <= value <= MAX_OFFSET:
        raise ValueError("not a count")
    return value
