"""A journal over one request and two workers with restarts: one worker at a time handles it, every
call is accounted for, and reading twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from schemas.journal_headers import JournalHeaders, JournalKind
from streams.journal.admission import Done, HopMessage, Owner, Run, Wait
from streams.journal.partition_journal import PartitionJournal

KEY = b"default/r1"
LEASE_MS = 1_000
NAMES = ("w1", "w2")


@dataclass
class Story:
    """The log of one request, written by two workers that follow the journal."""

    now: int = 1
    log: list[tuple[JournalHeaders, int]] = field(default_factory=list)
    lives: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    working: dict[str, tuple[int, int, str, int]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    booked: set[str] = field(default_factory=set)
    at: tuple[int, int] = (0, 0)
    ended: bool = False

    def me(self, name: str) -> Owner:
        return Owner(worker=name, incarnation=f"{name}-{self.lives[name]}")

    def message(self) -> HopMessage:
        hop, visit = self.at
        return HopMessage(identity=KEY, hop=hop, visit=visit, origin="req:0:1", digest="d")

    def journal(self, times: int = 1) -> PartitionJournal:
        """The journal of any reader of the log; each record is read so many times."""
        journal = PartitionJournal()
        for entry, at in self.log:
            for _ in range(times):
                journal.record(KEY, entry, at, b"v")
        for call in self.booked:
            journal.booked(KEY, call)
        return journal

    def write(
        self, name: str, kind: str, call: str | None = None, lease: int | None = None
    ) -> None:
        hop, visit = self.at
        me = self.me(name)
        entry = JournalHeaders(
            kind=kind,
            hop=hop,
            visit=visit,
            origin="req:0:1",
            digest="d",
            worker=me.worker,
            incarnation=me.incarnation,
            call_id=call,
            lease_until=lease,
        )
        self.log.append((entry, self.now))

    def take(self, name: str) -> None:
        """A worker gets the message, and calls where it may."""
        if name in self.working:
            return
        admission = self.journal().admit(self.message(), self.me(name), self.now)
        holders = [until for _, _, _, until in self.working.values() if until > self.now]
        if self.ended:
            assert admission == Done()
        elif holders:
            assert isinstance(admission, Wait)
        if isinstance(admission, Run):
            self.booked |= {call.call_id for call in admission.interrupted}
            call = f"c{len(self.begun)}"
            until = self.now + LEASE_MS
            self.write(name, JournalKind.STARTED, call, until)
            self.begun.add(call)
            self.working[name] = (*self.at, call, until)

    def end(self, name: str, kind: str) -> None:
        """Its call is over while its lease lasts: booked, and the hop ends."""
        if name not in self.working:
            return
        hop, visit, call, until = self.working.pop(name)
        self.booked.add(call)
        if until <= self.now or (hop, visit) != self.at or self.ended:
            return
        self.write(name, kind)
        if kind == JournalKind.ESCALATED:
            self.at = (hop + 1, visit)
        elif kind == JournalKind.PARKED:
            self.at = (hop, visit + 1)
        else:
            self.ended = True

    def die(self, name: str) -> None:
        self.working.pop(name, None)
        self.lives[name] += 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from(NAMES), st.just("")),
        st.tuples(st.just("take"), st.sampled_from(NAMES), st.just("")),
        st.tuples(
            st.just("end"),
            st.sampled_from(NAMES),
            st.sampled_from([JournalKind.ESCALATED, JournalKind.PARKED, "replied", "failed"]),
        ),
        st.tuples(st.just("die"), st.sampled_from(NAMES), st.just("")),
        st.tuples(st.just("wait"), st.sampled_from(NAMES), st.sampled_from(["10", "600", "1500"])),
    ),
    min_size=10,
    max_size=40,
)


def _run_steps(steps: list[tuple[str, str, str]]) -> Story:
    story = Story()
    for what, name, how in steps:
        if what == "take":
            story.take(name)
        elif what == "end":
            story.end(name, how)
        elif what == "die":
            story.die(name)
        else:
            story.now += int(how)
    return story


@given(steps)
def test_one_worker_at_a_time_handles_a_hop_and_none_an_ended_one(
    steps: list[tuple[str, str, str]],
) -> None:
    _run_steps(steps)


@given(steps)
def test_every_started_call_is_eventually_recorded(
    steps: list[tuple[str, str, str]],
) -> None:
    story = _run_steps(steps)
    for name in NAMES:
        story.die(name)
    story.now += LEASE_MS + 1
    story.take("w1")
    story.end("w1", "replied")
    left = {call.call_id for call in story.journal().orphans(story.me("w2"), story.now + LEASE_MS)}

    assert story.ended
    assert story.booked | left == story.begun


@given(steps)
def test_a_log_read_twice_gives_the_same_journal(steps: list[tuple[str, str, str]]) -> None:
    story = _run_steps(steps)
    once, twice = story.journal(), story.journal(times=2)
    for hop in range(3):
        for visit in range(3):
            message = HopMessage(identity=KEY, hop=hop, visit=visit, origin="req:0:1", digest="d")
            for now in (story.now, story.now + LEASE_MS):
                me = story.me("w1")
                assert once.admit(message, me, now) == twice.admit(message, me, now)
    assert set(once.unbooked()) == set(twice.unbooked())
