"""The four outcomes of a hop; `kind` is that of the journal record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from schemas.journal_headers import JournalKind
from schemas.records import Answer, Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Replied:
    """The request is answered.

    `fell_back`: after a failure, a budget or the deadline, no answer is better than an earlier one.
    `faults` are the hard checks that the answer failed, in words, with no tier left to try.
    """

    kind: ClassVar = JournalKind.REPLIED
    answer: Answer
    fell_back: bool = False
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedOn:
    """The request moves to another tier, with the answer of this hop, if there is one."""

    kind: ClassVar = JournalKind.ESCALATED
    tier: str
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """The request ends without an answer: `kind` is failed, rejected or expired."""

    kind: JournalKind
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """The hop waits this many seconds on a wait topic, and is tried again."""

    kind: ClassVar = JournalKind.PARKED
    delay_s: int


Ending = Replied | MovedOn | GaveUp | Parked
