"""Attempts at handling one message."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.records import Attempt

MOST_TRIES = 3
"""Attempts at handling a message before it is ended."""

MOST_LOST_WORKERS = 2
"""Workers that a message may end; the next worker ends the message without another attempt."""


@dataclass(slots=True, kw_only=True)
class Tries:
    """Earlier attempts of a message.

    `failed` counts those that ended by an exception, in this process and earlier ones;
    `lost_workers` counts the incarnations that ended during one; `attempts` are provider calls of
    failed attempts, whose cost belongs to the request's outcome.
    """

    failed: int = 0
    lost_workers: int = 0
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def used_up(self) -> bool:
        """Return whether the message must not be tried again."""
        return (
            self.failed + self.lost_workers >= MOST_TRIES or self.lost_workers >= MOST_LOST_WORKERS
        )
