"""A message for handlers: bytes and position in the log, independent of Faust."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.journal_headers import Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One consumed record; `timestamp` is the broker's append time, ms since 1970 UTC. `generation`
    is the group's when it was read, `None` if unknown.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    generation: int | None = None

    def header(self, *names: str) -> bytes | None:
        """Return the first header with one of these names, in the order of the names."""
        for name in names:
            for found, value in self.headers:
                if found == name:
                    return value
        return None
