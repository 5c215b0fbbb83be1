"""The four ways in which a hop can end."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.journal_headers import JournalKind
from schemas.records import Answer, Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """The request is answered.

    `fell_back`: a failure, a budget or the deadline left nothing better than an answer seen before.
    `faults` are the hard checks that the answer failed, in words, where no tier was left to ask.
    """

    answer: Answer
    fell_back: bool = False
    faults: tuple[str, ...] = ()

    @property
    def degraded(self) -> bool:
        """Whether the sender gets an answer that the policy would not have accepted."""
        return self.fell_back or bool(self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """The next tier is asked."""

    tier: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """The request ends without an answer: `kind` is failed, rejected or expired."""

    kind: JournalKind
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """The hop waits so many seconds on a wait topic, and is tried again."""

    delay_s: int


Ending = Replied | MovedOn | GaveUp | Parked
