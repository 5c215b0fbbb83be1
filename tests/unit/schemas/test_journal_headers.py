"""Numbers in headers of the journal are those that records can hold."""

from __future__ import annotations

import pytest

from schemas.encoding.value_checks import MAX_TIME_MS
from schemas.errors import UndecodableError
from schemas.journal_headers import MAX_COUNT, JournalHeaders
from streams.journal.sent_replies import RecordPlace

GOOD = JournalHeaders(
    kind="started", hop=MAX_COUNT, visit=0, origin="o", digest="d", worker="w", incarnation="i",
    call_id="c", lease_until=MAX_TIME_MS,
)  # fmt: skip


def test_the_greatest_are_read() -> None:
    assert JournalHeaders.decode(GOOD.encode()) == GOOD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hop", b"2147483648"),
        ("hop", b"-2"),
        ("hop", b"9" * 19),
        ("visit", b"9223372036854775807"),
        ("visit", b"1.0"),
        ("lease-until", b"9" * 19),
        ("lease-until", b"%d" % (MAX_TIME_MS + 1)),
    ],
)
def test_others_make_it_no_record_of_the_journal(name: str, value: bytes) -> None:
    with pytest.raises(UndecodableError, match=name):
        JournalHeaders.decode([*GOOD.encode(), (name, value)])


@pytest.mark.parametrize("place", ["t:2147483648:0", "t:0:9223372036854775808", f"t:{'9' * 19}:1"])
def test_a_reply_s_position_is_valid_for_kafka(place: str) -> None:
    assert RecordPlace.parse(place) is None
