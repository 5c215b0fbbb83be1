"""The journal of one partition: which hops are done, which were begun, and by whom.

Built from the headers of the outcomes topic alone (`schemas.journal_headers`); decides what a hop's
message means when it arrives: work, a redelivery, a duplicate, or somebody else's work. Pure: the
caller brings the time. The protocol is section 2 of the design ("A hop, and what a crash finds").
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from schemas.journal_headers import STARTED, JournalHeaders

DUPLICATE_WINDOW_MS = 15 * 60 * 1000
"""How long after its end a request's id is still its own."""

OPEN = "open"
"""Status of a request that has not ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A worker's name, and which life of its process."""

    worker: str
    incarnation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunCall:
    """A provider call that was started and is not booked; `value` is its undecoded record."""

    identity: bytes
    hop: int
    visit: int
    call_id: str
    owner: Owner
    lease_until: int
    started_at: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Work on it; first book these calls of a dead worker as interrupted."""

    interrupted: tuple[BegunCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A redelivery of what is done: acknowledge it, say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """Another request has this id and is the one that counts; `status` is its end, or `open`."""

    status: str
    silent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Another worker holds it until this broker time, ms."""

    until: int


Admission = Run | Done | Duplicate | Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class HopMessage:
    """A hop's message as its key and headers tell it; `origin` is the place of the request."""

    identity: bytes
    hop: int
    visit: int
    origin: str
    digest: str


@dataclass(slots=True)
class _Life:
    """A request that has not ended, or has a call that is not booked."""

    origin: str
    digest: str
    status: str = OPEN
    ended_at: int = 0
    done: set[tuple[int, int]] = field(default_factory=set)
    highest_hop: int = 0
    calls: dict[str, BegunCall] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Ended:
    """The little that is kept of a request that has ended."""

    origin: str
    digest: str
    status: str
    at: int


class PartitionJournal:
    """What is known of one partition's hops."""

    def __init__(self) -> None:
        self._lives: dict[bytes, _Life] = {}
        self._ended: dict[bytes, _Ended] = {}
        self._by_time: deque[tuple[int, bytes]] = deque()

    def __len__(self) -> int:
        """Identities remembered."""
        return len(self._lives) + len(self._ended)

    def record(self, identity: bytes, entry: JournalHeaders, at: int, value: bytes = b"") -> None:
        """Take in a journal record of broker time `at`; a repeated outcome changes nothing."""
        ended = self._ended.get(identity)
        if ended is not None:
            if ended.origin == entry.origin:
                self._late_call(identity, ended, entry, at, value)
                return
            del self._ended[identity]
        life = self._lives.get(identity)
        if life is None:
            life = self._lives[identity] = _Life(entry.origin, entry.digest)
        elif life.origin != entry.origin:
            if life.status == OPEN:
                return
            life = self._lives[identity] = _Life(entry.origin, entry.digest)
        life.highest_hop = max(life.highest_hop, entry.hop)
        if entry.kind == STARTED:
            self._begin(life, identity, entry, at, value)
            return
        life.done.add((entry.hop, entry.visit))
        if entry.final and life.status == OPEN:
            life.status = entry.kind
            life.ended_at = at
            self._settle(identity, life)

    def booked(self, identity: bytes, call_id: str) -> None:
        """A cost event for this call is in the log."""
        life = self._lives.get(identity)
        if life is not None and life.calls.pop(call_id, None) is not None:
            self._settle(identity, life)

    def admit(self, message: HopMessage, me: Owner, now: int) -> Admission:
        """What to do with a hop's message that arrived at broker time `now`."""
        ended = self._ended.get(message.identity)
        if ended is not None:
            return _seen(message, ended.origin, ended.digest, ended.status) or Done()
        life = self._lives.get(message.identity)
        if life is None:
            return Run()
        seen = _seen(message, life.origin, life.digest, life.status)
        if seen is not None:
            return seen
        hop = (message.hop, message.visit)
        if life.status != OPEN or hop in life.done or life.highest_hop > message.hop:
            return Done()
        begun = [call for call in life.calls.values() if (call.hop, call.visit) == hop]
        foreign = [call.lease_until for call in begun if call.owner.worker != me.worker]
        if foreign and max(foreign) > now:
            return Wait(until=max(foreign))
        return Run(interrupted=tuple(call for call in begun if call.owner != me))

    def opened(self, message: HopMessage) -> None:
        """This worker opens a request's hop: from now on its id is taken."""
        if message.identity not in self._lives and message.identity not in self._ended:
            self._lives[message.identity] = _Life(message.origin, message.digest)

    def unbooked(self) -> tuple[BegunCall, ...]:
        """Every call that was started and has no cost event."""
        return tuple(call for life in self._lives.values() for call in life.calls.values())

    def orphans(self, me: Owner, now: int) -> tuple[BegunCall, ...]:
        """Unbooked calls that nobody will book: their hop is done and their worker is gone.

        Gone is an earlier life of this worker, or another worker whose lease is over.
        """
        return tuple(
            call
            for life in self._lives.values()
            for call in life.calls.values()
            if _is_over(life, call)
            and call.owner != me
            and (call.owner.worker == me.worker or call.lease_until < now)
        )

    def forget_before(self, at: int) -> int:
        """Drop requests that ended before this broker time; how many were dropped."""
        dropped = 0
        while self._by_time and self._by_time[0][0] < at:
            _, identity = self._by_time.popleft()
            ended = self._ended.get(identity)
            if ended is not None and ended.at < at:
                del self._ended[identity]
                dropped += 1
        return dropped

    def _begin(
        self, life: _Life, identity: bytes, entry: JournalHeaders, at: int, value: bytes
    ) -> None:
        if entry.call_id is None or entry.call_id in life.calls:
            return
        life.calls[entry.call_id] = BegunCall(
            identity=identity,
            hop=entry.hop,
            visit=entry.visit,
            call_id=entry.call_id,
            owner=Owner(worker=entry.worker, incarnation=entry.incarnation),
            lease_until=entry.lease_until or at,
            started_at=at,
            value=value,
        )

    def _late_call(
        self, identity: bytes, ended: _Ended, entry: JournalHeaders, at: int, value: bytes
    ) -> None:
        """A call that was begun after its request had ended, by a worker that did not know."""
        if entry.kind != STARTED:
            return
        life = _Life(ended.origin, ended.digest, ended.status, ended.at, highest_hop=entry.hop)
        self._begin(life, identity, entry, at, value)
        self._lives[identity] = life
        del self._ended[identity]

    def _settle(self, identity: bytes, life: _Life) -> None:
        """Keep only the little that duplicates need, once nothing is open any more."""
        if life.status != OPEN and not life.calls:
            del self._lives[identity]
            self._ended[identity] = _Ended(life.origin, life.digest, life.status, life.ended_at)
            self._by_time.append((life.ended_at, identity))


def _is_over(life: _Life, call: BegunCall) -> bool:
    return life.status != OPEN or (call.hop, call.visit) in life.done or life.highest_hop > call.hop


def _seen(message: HopMessage, origin: str, digest: str, status: str) -> Duplicate | None:
    """A duplicate, if this id belongs to a request from elsewhere in the log."""
    if message.origin == origin:
        return None
    return Duplicate(status=status, silent=message.digest == digest)
