"""The index of a partition of the gateway's reply topic."""

from __future__ import annotations

from core.kafka.fetch_source import FetchedRecord
from schemas.callers.headers import CORRELATION_ID
from schemas.gateway.headers import ACCEPTED_AT, CALL_ID
from schemas.identity import DUPLICATE_WINDOW_MS
from streams.gateway.dispatch.reply_index import ReplyIndex, SentReply


def record(offset: int, at: int, correlation: bytes, *more: tuple[str, bytes]) -> FetchedRecord:
    return FetchedRecord(
        topic="t",
        partition=0,
        offset=offset,
        timestamp=at,
        timestamp_type=1,
        key=None,
        value=b"{}",
        headers=((CORRELATION_ID, correlation), *more),
    )


def test_the_first_reply_and_the_first_acceptance_count() -> None:
    index = ReplyIndex(since=0)
    index.note(record(1, 10, b"a", (ACCEPTED_AT, b"9")))
    index.note(record(2, 11, b"a", (CALL_ID, b"c1")))
    index.note(record(3, 12, b"a", (ACCEPTED_AT, b"11")))
    index.note(record(4, 13, b"a"))
    index.note(record(5, 14, b"a"))
    assert index.accepted == {b"a": 9}
    assert index.replies == {b"a": SentReply(4, 13)}


def test_entries_are_forgotten_after_the_window() -> None:
    index = ReplyIndex(since=0)
    index.note(record(1, 10, b"a", (ACCEPTED_AT, b"9")))
    index.note(record(2, 20, b"a"))
    index.note(record(3, 15 + DUPLICATE_WINDOW_MS, b"b"))
    assert (index.accepted, set(index.replies)) == ({}, {b"a", b"b"})
    index.note(record(4, 25 + DUPLICATE_WINDOW_MS, b"c"))
    assert set(index.replies) == {b"b", b"c"}


def test_a_later_index_adds_to_an_earlier_one() -> None:
    earlier, later = ReplyIndex(since=0), ReplyIndex(since=5)
    earlier.note(record(1, 10, b"a"))
    for number, correlation in ((2, b"a"), (3, b"b")):
        later.note(record(number, 20, correlation))
    later.note(record(4, 20, b"b", (ACCEPTED_AT, b"9")))
    earlier.continue_with(later)
    assert earlier.replies == {b"a": SentReply(1, 10), b"b": SentReply(3, 20)}
    assert earlier.accepted == {b"b": 9}
