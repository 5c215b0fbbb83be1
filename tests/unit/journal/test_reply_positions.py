"""Stored reply positions are read back exactly, or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.journal.reply_positions import MOST_TOPICS, ReplyPlaces
from streams.journal.sent_replies import RecordPlace

_PLACES = st.builds(
    RecordPlace,
    topic=st.sampled_from(["llm.replies.v1", "replies.a", "replies.b"]),
    partition=st.integers(0, 1 << 15),
    offset=st.integers(0, 1 << 42),
)


@given(st.lists(_PLACES, max_size=30))
def test_a_position_is_stored_exactly_or_not_at_all(places: list[RecordPlace]) -> None:
    known = ReplyPlaces(60_000)
    for number, place in enumerate(places):
        known.put(b"t/%d" % number, 1, str(place))
    for number, place in enumerate(places):
        fits = place.partition < 1 << 14 and place.offset < 1 << 40
        assert known.of(b"t/%d" % number) == (place if fits else None)


def test_reply_positions_expire_with_their_ids() -> None:
    known = ReplyPlaces(60_000)
    known.put(b"t/1", 1, "a:0:1")
    known.forget_before(200_000)
    assert known.of(b"t/1") is None


def test_topics_are_bounded() -> None:
    known = ReplyPlaces(60_000)
    for number in range(MOST_TOPICS + 1):
        known.put(b"t/%d" % number, 1, f"topic-{number}:0:1")
    assert known.of(b"t/%d" % (MOST_TOPICS - 1)) is not None
    assert known.of(b"t/%d" % MOST_TOPICS) is None


@given(st.text(max_size=30))
def test_any_text_parses_to_a_position_or_none(text: str) -> None:
    place = RecordPlace.parse(text)
    assert place is None or RecordPlace.parse(str(place)) == place
