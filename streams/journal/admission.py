"""Admission of a hop's message by the journal: what a worker does with it.

The protocol is section 2 of the design ("A hop, and what a crash finds").
"""

from __future__ import annotations

from dataclasses import dataclass

from streams.journal.sent_replies import RecordPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A worker's name, and the incarnation of its process."""

    worker: str
    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunCall:
    """A call that is started and not recorded; `value` is its undecoded record."""

    identity: bytes
    hop: int
    visit: int
    call_id: str
    owner: Owner
    lease_until: int
    started_at: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStart:
    """A call that another incarnation started for a hop; `at` is broker time, ms."""

    call_id: str
    incarnation: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Handle it, after recording these interrupted calls of a dead worker. `starts` are all calls
    of other incarnations for this visit of the hop, recorded or not.
    """

    interrupted: tuple[BegunCall, ...] = ()
    starts: tuple[CallStart, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A redelivery of a finished hop: acknowledge it without a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A duplicate: another request with this id counts. `status` is its outcome, or `open`; `reply`
    is the position of its reply, if known.
    """

    status: str
    silent: bool
    reply: RecordPlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Another worker holds the lease until this broker time, ms."""

    until: int


Admission = Run | Done | Duplicate | Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class HopMessage:
    """A hop's message by its key and headers; `origin` is the position of the request."""

    identity: bytes
    hop: int
    visit: int
    origin: str
    digest: str
