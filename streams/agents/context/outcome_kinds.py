"""The four outcomes of a hop."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.journal_headers import JournalKind
from schemas.records import Answer, Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """The request is answered.

    `fell_back`: after a failure, a budget or the deadline, no answer is better than an earlier one.
    `faults` are the hard checks that the answer failed, in words, with no tier left to try.
    """

    answer: Answer
    fell_back: bool = False
    faults: tuple[str, ...] = ()

    @property
    def degraded(self) -> bool:
        """Return whether the policy would not have accepted this answer."""
        return self.fell_back or bool(self.faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """The request moves to another tier."""

    tier: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """The request ends without an answer: `kind` is failed, rejected or expired."""

    kind: JournalKind
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """The hop waits this many seconds on a wait topic, and is tried again."""

    delay_s: int


Ending = Replied | MovedOn | GaveUp | Parked
