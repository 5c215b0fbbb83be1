"""Journal of one partition: finished and started hops, and their workers.

It is built from the headers of the outcomes topic alone (`schemas.journal_headers`), and decides
about a hop's message: work, a redelivery, a duplicate, or another worker's work. Pure: the caller
passes the time. The protocol is section 2 of the design ("A hop, and what a crash finds").
"""

from __future__ import annotations

from dataclasses import dataclass, field

from core.dedup_index import RecentKeys, packed_key
from schemas.chat import MAX_DEADLINE_MS
from schemas.identity import DUPLICATE_WINDOW_MS
from schemas.journal_headers import HOP_ENDS, TERMINAL, JournalHeaders, JournalKind
from streams.journal.admission import (
    Admission,
    BegunCall,
    CallStart,
    Done,
    Duplicate,
    HopMessage,
    Owner,
    Run,
    Wait,
)
from streams.journal.reply_positions import ReplyPlaces

LONGEST_LEASE_MS = 24 * 3_600_000
"""Maximum length of a lease after its record was appended, whatever the record says."""

OPEN = "open"
"""Status of a request that has not ended."""


@dataclass(slots=True)
class _Life:
    """A request that has not ended, or has an unrecorded call."""

    origin: str
    digest: str
    status: str = OPEN
    ended_at: int = 0
    done: set[tuple[int, int]] = field(default_factory=set)
    highest_hop: int = 0
    calls: dict[str, BegunCall] = field(default_factory=dict)
    starts: dict[tuple[int, int], dict[str, CallStart]] = field(default_factory=dict)


CANCEL_MARGIN_MS = 60_000
"""Time by which a request may be younger than the record that cancels it: their topics have other
brokers, whose clocks differ. A new request with the id comes 15 minutes after the end.
"""

MAX_CANCEL_MS = MAX_DEADLINE_MS + DUPLICATE_WINDOW_MS
"""Maximum time for which a request is cancelled after the record that asks for it."""

_STATUSES = tuple(sorted(TERMINAL))
_STATUS_BITS, _HALF_BITS = 2, 31
_HALF = (1 << _HALF_BITS) - 1


@dataclass(frozen=True, slots=True)
class _Ended:
    """An ended request in 64 bits: 31 bits each of the hashes of its position and reply digest, and
    its status.
    """

    origin: int
    digest: int
    status: str

    @classmethod
    def of(cls, origin: str, digest: str, status: str = OPEN) -> _Ended:
        return cls(_half(origin), _half(digest), status)

    @classmethod
    def unpack(cls, number: int) -> _Ended:
        rest = number >> _STATUS_BITS
        status = _STATUSES[number & ((1 << _STATUS_BITS) - 1)]
        return cls(rest >> _HALF_BITS, rest & _HALF, status)

    def pack(self) -> int:
        both = self.origin << _HALF_BITS | self.digest
        return both << _STATUS_BITS | _STATUSES.index(self.status)


def _half(text: str) -> int:
    return packed_key(text.encode()) & _HALF


class PartitionJournal:
    """The hops of one partition."""

    def __init__(self) -> None:
        self._lives: dict[bytes, _Life] = {}
        self._ended = RecentKeys(DUPLICATE_WINDOW_MS)
        self._replies = ReplyPlaces(DUPLICATE_WINDOW_MS)
        self._cancelled = RecentKeys(DUPLICATE_WINDOW_MS)

    def __len__(self) -> int:
        """Return the number of identities kept."""
        return len(self._lives) + len(self._ended)

    def record(self, identity: bytes, entry: JournalHeaders, at: int, value: bytes = b"") -> None:
        """Apply a journal record of broker time `at`. A repeated outcome and a record of an unknown
        kind change nothing.
        """
        if entry.kind == JournalKind.CANCELLING:
            until = min(entry.cancels_until or at, at + MAX_CANCEL_MS)
            self._cancelled.put(packed_key(identity), max(until, at), at)
        if entry.kind != JournalKind.STARTED and entry.kind not in HOP_ENDS:
            return
        life = self._lives.get(identity)
        if life is None:
            ended = self._of_ended(identity)
            if ended is not None and ended.origin == _half(entry.origin):
                self._late_call(identity, ended, entry, at, value)
                return
            life = self._lives[identity] = _Life(entry.origin, entry.digest)
        elif life.origin != entry.origin:
            if life.status == OPEN:
                return
            life = self._lives[identity] = _Life(entry.origin, entry.digest)
        life.highest_hop = max(life.highest_hop, entry.hop)
        if entry.kind == JournalKind.STARTED:
            self._begin(life, identity, entry, at, value)
            return
        life.done.add((entry.hop, entry.visit))
        life.starts.pop((entry.hop, entry.visit), None)
        if entry.final and life.status == OPEN:
            life.status = entry.kind
            life.ended_at = at
            if entry.reply_at is not None:
                self._replies.put(identity, at, entry.reply_at)
            self._settle(identity, life)

    def knows(self, identity: bytes) -> bool:
        """Return whether a request of this identity is open, or ended within the window."""
        return identity in self._lives or self._of_ended(identity) is not None

    def has_ended(self, identity: bytes) -> bool:
        """Return whether a request of this identity ended within the window."""
        life = self._lives.get(identity)
        return self._of_ended(identity) is not None if life is None else life.status != OPEN

    def is_cancelled(self, identity: bytes, requested_at: int) -> bool:
        """Return whether the caller asked to cancel a request of this broker time, ms."""
        asked_at = self._cancelled.number(packed_key(identity))
        return asked_at is not None and requested_at <= asked_at + CANCEL_MARGIN_MS

    def booked(self, identity: bytes, call_id: str) -> None:
        """Apply a cost event for this call."""
        life = self._lives.get(identity)
        if life is not None and life.calls.pop(call_id, None) is not None:
            self._settle(identity, life)

    def admit(self, message: HopMessage, me: Owner, now: int) -> Admission:
        """Decide about a hop's message that arrived at broker time `now`."""
        life = self._lives.get(message.identity)
        if life is None:
            return self._admit_ended(message)
        if message.origin != life.origin:
            return self._duplicate(message, life.status, silent=message.digest == life.digest)
        hop = (message.hop, message.visit)
        if life.status != OPEN or hop in life.done or life.highest_hop > message.hop:
            return Done()
        begun = [call for call in life.calls.values() if (call.hop, call.visit) == hop]
        foreign = [call.lease_until for call in begun if call.owner.worker != me.worker]
        if foreign and max(foreign) > now:
            return Wait(until=max(foreign))
        starts = life.starts.get(hop, {}).values()
        return Run(
            interrupted=tuple(call for call in begun if call.owner != me),
            starts=tuple(start for start in starts if start.incarnation != me.incarnation),
        )

    def opened(self, message: HopMessage) -> None:
        """Mark a request's hop as opened by this worker, which reserves the id."""
        if message.identity in self._lives:
            return
        if self._ended.at(packed_key(message.identity)) is None:
            self._lives[message.identity] = _Life(message.origin, message.digest)

    def unbooked(self) -> tuple[BegunCall, ...]:
        """Return every started call without a cost event."""
        return tuple(call for life in self._lives.values() for call in life.calls.values())

    def orphans(self, me: Owner, now: int) -> tuple[BegunCall, ...]:
        """Return unrecorded calls whose hop is done and whose worker is gone: an earlier
        incarnation of this one, or another one whose lease is over.
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
        """Drop requests that ended before this time, by five minutes; return their number."""
        self._replies.forget_before(at)
        self._cancelled.forget_before(at)
        return self._ended.forget_before(at)

    def _of_ended(self, identity: bytes) -> _Ended | None:
        number = self._ended.number(packed_key(identity))
        return None if number is None else _Ended.unpack(number)

    def _admit_ended(self, message: HopMessage) -> Admission:
        ended = self._of_ended(message.identity)
        if ended is None:
            return Run()
        mine = _Ended.of(message.origin, message.digest)
        if ended.origin == mine.origin:
            return Done()
        return self._duplicate(message, ended.status, silent=ended.digest == mine.digest)

    def _duplicate(self, message: HopMessage, status: str, *, silent: bool) -> Duplicate:
        known = None if status == OPEN else self._replies.of(message.identity)
        return Duplicate(status=status, silent=silent, reply=known)

    def _begin(
        self, life: _Life, identity: bytes, entry: JournalHeaders, at: int, value: bytes
    ) -> None:
        if entry.call_id is None or entry.call_id in life.calls:
            return
        life.starts.setdefault((entry.hop, entry.visit), {})[entry.call_id] = CallStart(
            call_id=entry.call_id, incarnation=entry.incarnation, at=at
        )
        life.calls[entry.call_id] = BegunCall(
            identity=identity,
            hop=entry.hop,
            visit=entry.visit,
            call_id=entry.call_id,
            owner=Owner(worker=entry.worker, incarnation=entry.incarnation),
            lease_until=min(entry.lease_until or at, at + LONGEST_LEASE_MS),
            started_at=at,
            value=value,
        )

    def _late_call(
        self, identity: bytes, ended: _Ended, entry: JournalHeaders, at: int, value: bytes
    ) -> None:
        """Add a call started after its request had ended, by a worker that did not know."""
        if entry.kind != JournalKind.STARTED:
            return
        ended_at = self._ended.at(packed_key(identity)) or at
        life = _Life(entry.origin, entry.digest, ended.status, ended_at, highest_hop=entry.hop)
        self._begin(life, identity, entry, at, value)
        self._lives[identity] = life

    def _settle(self, identity: bytes, life: _Life) -> None:
        """Keep only what duplicates need, once nothing is open any more."""
        if life.status != OPEN and not life.calls:
            del self._lives[identity]
            ended = _Ended.of(life.origin, life.digest, life.status)
            self._ended.put(packed_key(identity), life.ended_at, ended.pack())


def _is_over(life: _Life, call: BegunCall) -> bool:
    return life.status != OPEN or (call.hop, call.visit) in life.done or life.highest_hop > call.hop
