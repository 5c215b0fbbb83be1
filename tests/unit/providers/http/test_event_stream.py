"""Server-sent events are read the same however their bytes arrive, and within bounds."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import MAX_ANSWER_BYTES
from streams.providers.http.event_stream import EventStreamParser, ServerSentEvent
from streams.providers.port import ErrorClass, ProviderError


def parse(pieces: Iterable[bytes]) -> list[tuple[str, bytes]]:
    parser = EventStreamParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    return [(event.name, event.data) for event in (*found, *parser.finish())]


FORMS: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    "an event": (b"data: a\n\n", [("", b"a")]),
    "without a space": (b"data:a\n\n", [("", b"a")]),
    "one space is removed, not two": (b"data:  a \n\n", [("", b" a ")]),
    "a name": (b"event: ping\ndata: {}\n\n", [("ping", b"{}")]),
    "a name belongs to one event": (b"event: x\ndata: a\n\ndata: b\n\n", [("x", b"a"), ("", b"b")]),
    "a name without data is no event": (b"event: x\n\ndata: b\n\n", [("", b"b")]),
    "data of many lines": (b"data: a\ndata: b\ndata\n\n", [("", b"a\nb\n")]),
    "comments and other fields": (b": hi\nid: 1\nretry: 2\nx\ndata: a\n\n: bye\n\n", [("", b"a")]),
    "CR": (b"data: a\rdata: b\r\rdata: c\r\r", [("", b"a\nb"), ("", b"c")]),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", [("", b"a\nb"), ("", b"c")]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
    "characters of several bytes": ("data: grüß 😀\n\n".encode(), [("", "grüß 😀".encode())]),
    "the end instead of an empty line": (b"data: a\n\ndata: [DONE]", [("", b"a"), ("", b"[DONE]")]),
    "nothing": (b"", []),
    "empty lines": (b"\n\r\n\n", []),
    "empty data": (b"data\n\ndata:\n\n", [("", b""), ("", b"")]),
}


@pytest.mark.parametrize("what", FORMS)
def test_each_form_is_read_at_once_and_byte_by_byte(what: str) -> None:
    body, wanted = FORMS[what]
    assert parse([body]) == wanted
    assert parse(body[at : at + 1] for at in range(len(body))) == wanted


_LINE = st.sampled_from(
    [b"data: x", b"data", b"data:  y:z", b"event: e", b": c", b"id: 1", b"", b"", b"\xef\xbb\xbf",
     "data: ü😀".encode(), b"data: \xff\xfe", b"unknown"]
)  # fmt: skip
_BODY = st.lists(st.tuples(_LINE, st.sampled_from([b"\n", b"\r", b"\r\n"])), max_size=30).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


@given(_BODY, st.data())
def test_any_split_of_a_stream_gives_the_same_events(body: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=10)))
    bounds = [0, *cuts, len(body)]
    pieces = [body[start:end] for start, end in pairwise(bounds)]
    assert parse(pieces) == parse([body])


@given(st.lists(st.tuples(st.sampled_from(["", "ping", "x"]), st.text(max_size=20)), max_size=8))
def test_events_are_read_as_they_were_written(events: list[tuple[str, str]]) -> None:
    body, wanted = b"", []
    for name, text in events:
        lines = text.encode("utf-8", "replace").splitlines() or [b""]
        body += f"event: {name}\n".encode() if name else b""
        body += b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
        wanted.append((name, b"\n".join(lines)))
    assert parse([body]) == wanted


@pytest.mark.parametrize("start", [b"data: ", b": ", b"event: ", b"", b"data: a\ndata: "])
def test_a_line_without_an_end_is_not_kept_beyond_the_limit(start: bytes) -> None:
    endless = [start, *[b"x" * 65_536] * (MAX_ANSWER_BYTES // 65_536 + 2)]
    with pytest.raises(ProviderError) as caught:
        parse(endless)
    assert caught.value.error_class is ErrorClass.BAD_RESPONSE


@pytest.mark.parametrize("line", [b"data: xxxxxxxxxxxxxxxx\n", b"data:\n"])
def test_an_event_without_an_end_is_not_kept_beyond_the_limit(line: bytes) -> None:
    with pytest.raises(ProviderError):
        parse([line * 1_000] * (MAX_ANSWER_BYTES // 1_000 + 2))


def test_comments_without_an_end_are_not_kept() -> None:
    parser = EventStreamParser()
    for _ in range(2_000):
        assert parser.feed(b": keep-alive\n" * 1_000) == []
    assert parser.feed(b"data: a\n\n") == [ServerSentEvent("", b"a")]
