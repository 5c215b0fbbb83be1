from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import DUPLICATE_WINDOW_MS
from schemas.journal_headers import HOP_ENDS, JournalHeaders
from streams.journal.admission import Done, Duplicate, HopMessage, Owner, Run, Wait
from streams.journal.partition_journal import (
    CANCEL_MARGIN_MS,
    LONGEST_LEASE_MS,
    MAX_CANCEL_MS,
    PartitionJournal,
)

ME = Owner(worker="w1", incarnation="b")
BEFORE = Owner(worker="w1", incarnation="a")
OTHER = Owner(worker="w2", incarnation="z")
KEY = b"default/r1"


def message(hop: int = 0, visit: int = 0, origin: str = "req:0:1", digest: str = "d") -> HopMessage:
    return HopMessage(identity=KEY, hop=hop, visit=visit, origin=origin, digest=digest)


def entry(
    kind: str,
    owner: Owner = BEFORE,
    hop: int = 0,
    visit: int = 0,
    call: str | None = None,
    lease: int | None = None,
) -> JournalHeaders:
    return JournalHeaders(
        kind=kind,
        hop=hop,
        visit=visit,
        origin="req:0:1",
        digest="d",
        worker=owner.worker,
        incarnation=owner.incarnation,
        call_id=call,
        lease_until=lease,
    )


def test_an_unopened_hop_is_handled() -> None:
    assert PartitionJournal().admit(message(), ME, 0) == Run()


def test_a_hop_that_ended_is_acknowledged_without_a_call() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("escalated"), 10)
    assert journal.admit(message(), ME, 20) == Done()
    assert journal.admit(message(hop=1), ME, 20) == Run()
    journal.record(KEY, entry("replied", hop=1), 30)
    assert journal.admit(message(hop=1), ME, 40) == Done()


def test_a_parked_hop_returns_as_its_next_visit() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("parked"), 10)
    assert journal.admit(message(), ME, 20) == Done()
    assert journal.admit(message(visit=1), ME, 20) == Run()


def test_a_call_of_another_worker_is_waited_for_until_its_lease_is_over() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", OTHER, call="c1", lease=100), 10, b"v")
    assert journal.admit(message(), ME, 99) == Wait(until=100)
    admission = journal.admit(message(), ME, 100)
    assert isinstance(admission, Run)
    assert [call.call_id for call in admission.interrupted] == ["c1"]


def test_a_call_of_an_earlier_incarnation_is_taken_over_at_once() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", BEFORE, call="c1", lease=10_000), 10, b"v")
    admission = journal.admit(message(), ME, 11)
    assert isinstance(admission, Run)
    assert [call.call_id for call in admission.interrupted] == ["c1"]


def test_the_same_id_from_elsewhere_in_the_log_is_a_duplicate() -> None:
    journal = PartitionJournal()
    journal.opened(message())
    other = message(origin="req:0:9", digest="d")
    assert journal.admit(other, ME, 0) == Duplicate(status="open", silent=True)
    journal.record(KEY, entry("replied"), 10)
    elsewhere = message(origin="req:0:9", digest="other")
    assert journal.admit(elsewhere, ME, 20) == Duplicate(status="replied", silent=False)


def test_an_id_is_free_again_when_its_window_is_over() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("replied"), 10)
    journal.forget_before(10)
    assert isinstance(journal.admit(message(origin="req:0:9"), ME, 20), Duplicate)
    journal.forget_before(11 + DUPLICATE_WINDOW_MS)
    assert journal.admit(message(origin="req:0:9"), ME, 20) == Run()
    assert len(journal) == 0


def test_an_open_request_is_never_expired() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("escalated"), 10)
    journal.forget_before(10**15)
    assert journal.admit(message(), ME, 20) == Done()


def test_a_call_of_a_finished_hop_and_a_lost_worker_is_an_orphan() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", OTHER, call="c1", lease=100), 10, b"v")
    journal.record(KEY, entry("replied", OTHER), 20)
    assert journal.orphans(ME, 50) == ()
    assert [call.call_id for call in journal.orphans(ME, 101)] == ["c1"]
    journal.booked(KEY, "c1")
    assert journal.orphans(ME, 101) == ()


def test_a_call_started_after_an_unseen_end_is_kept() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("replied"), 10)
    journal.record(KEY, entry("started", OTHER, call="late", lease=90), 30, b"v")
    assert journal.admit(message(), ME, 40) == Done()
    assert [call.call_id for call in journal.orphans(ME, 91)] == ["late"]


KINDS = st.sampled_from(["started", "escalated", "parked", "replied", "failed"])


@given(
    st.lists(
        st.tuples(KINDS, st.integers(0, 2), st.integers(0, 1), st.sampled_from([BEFORE, OTHER])),
        max_size=12,
    )
)
def test_a_finished_request_is_never_worked_on_again(
    records: list[tuple[str, int, int, Owner]],
) -> None:
    journal = PartitionJournal()
    ended = False
    for at, (kind, hop, visit, owner) in enumerate(records):
        call = f"c{at}" if kind == "started" else None
        journal.record(KEY, entry(kind, owner, hop, visit, call, lease=at + 5), at, b"v")
        ended = ended or kind in {"replied", "failed"}
    for hop in range(3):
        for visit in range(2):
            admission = journal.admit(message(hop, visit), ME, 10**9)
            if ended or (hop, visit) in {(h, v) for k, h, v, _ in records if k != "started"}:
                assert admission == Done()
    elsewhere = journal.admit(message(origin="req:9:9"), ME, 10**9)
    assert isinstance(elsewhere, Duplicate) == bool(records)


@given(kind=st.text().filter(lambda kind: kind not in {"started", *HOP_ENDS}))
def test_a_record_of_an_unknown_kind_changes_nothing(kind: str) -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry(kind, hop=3), 10)
    assert len(journal) == 0
    journal.record(KEY, entry("started", call="c", lease=99), 20)
    known = journal.admit(message(), ME, 30)
    journal.record(KEY, entry(kind), 40)
    journal.record(KEY, entry(kind, hop=3), 40)
    assert journal.admit(message(), ME, 30) == known


def test_calls_of_other_incarnations_are_listed_even_if_recorded() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", OTHER, call="c1", lease=10), 1)
    journal.record(KEY, entry("started", BEFORE, call="c2", lease=10), 2)
    journal.record(KEY, entry("started", ME, call="c3", lease=10), 3)
    journal.booked(KEY, "c1")
    admission = journal.admit(message(), ME, 20)
    assert isinstance(admission, Run)
    assert {(start.call_id, start.incarnation) for start in admission.starts} == {
        ("c1", "z"),
        ("c2", "a"),
    }


def test_the_next_visit_of_a_hop_counts_separately() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", call="c1", lease=10), 1)
    journal.record(KEY, entry("parked"), 2)
    assert journal.admit(message(visit=1), ME, 20) == Run()


def test_no_lease_lasts_longer_than_a_day() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", OTHER, call="c", lease=2**62), 10)

    assert journal.admit(message(), ME, 20) == Wait(until=10 + LONGEST_LEASE_MS)


def cancelling(until: int) -> JournalHeaders:
    return replace(entry("cancelling"), origin="req:0:9", cancels_until=until)


def test_a_cancellation_applies_to_the_request_before_it_until_its_deadline() -> None:
    journal = PartitionJournal()
    journal.record(KEY, cancelling(until=5_000_000), 1_000)
    assert journal.is_cancelled(KEY, 900)
    assert journal.is_cancelled(KEY, 1_000 + CANCEL_MARGIN_MS)
    assert not journal.is_cancelled(KEY, 1_001 + CANCEL_MARGIN_MS)
    assert not journal.is_cancelled(b"default/r2", 900)
    assert not journal.knows(KEY)
    assert journal.admit(message(), ME, 2_000) == Run()
    journal.forget_before(4_000_000)
    assert journal.is_cancelled(KEY, 900)
    journal.forget_before(5_000_000 + DUPLICATE_WINDOW_MS)
    assert not journal.is_cancelled(KEY, 900)


def test_a_cancellation_is_bounded_whatever_its_record_says() -> None:
    journal = PartitionJournal()
    journal.record(KEY, cancelling(until=10**14), 1_000)
    journal.forget_before(1_000 + MAX_CANCEL_MS + DUPLICATE_WINDOW_MS)
    assert not journal.is_cancelled(KEY, 900)


def test_a_cancellation_changes_neither_an_open_nor_an_ended_request() -> None:
    journal = PartitionJournal()
    journal.record(KEY, entry("started", call="c1", lease=100), 10)
    journal.record(KEY, cancelling(until=500), 20)
    assert not journal.has_ended(KEY)
    assert isinstance(journal.admit(message(), ME, 200), Run)
    journal.record(KEY, entry("replied"), 210)
    assert journal.has_ended(KEY)
    journal.booked(KEY, "c1")
    assert journal.has_ended(KEY)
    journal.record(KEY, cancelling(until=500), 220)
    assert journal.admit(message(), ME, 230) == Done()


def test_headers_of_a_cancellation_are_read_as_they_were_written() -> None:
    written = cancelling(until=500)
    assert JournalHeaders.decode(written.encode()) == written
