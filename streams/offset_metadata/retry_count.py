"""How often the handling of one message was tried."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.records import Attempt

MOST_TRIES = 3
"""How often the handling of a message is tried before the message is ended."""

MOST_LOST_WORKERS = 2
"""Workers that a message may cost: the next one to read it ends it without another try."""


@dataclass(slots=True, kw_only=True)
class Tries:
    """What is known of earlier tries of a message.

    `failed` counts those that ended by an exception, in this process and in those before it;
    `lost_workers` the incarnations that ended during one;
    `attempts` are provider calls of failed tries, whose cost belongs into the request's outcome.
    """

    failed: int = 0
    lost_workers: int = 0
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def used_up(self) -> bool:
        """Whether the message must not be tried again."""
        return (
            self.failed + self.lost_workers >= MOST_TRIES or self.lost_workers >= MOST_LOST_WORKERS
        )
