"""Ids of responses: what they say, and to whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.gateway.dispatch.request_ids import derived_correlation
from streams.gateway.dispatch.response_ids import ResponseId

IDS = st.builds(
    ResponseId,
    request_id=st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True),
    partition=st.integers(0, 2**16 - 1),
    accepted_at=st.integers(0, 2**48 - 1),
)


@given(IDS, st.text(), st.text())
def test_an_id_is_read_with_its_key_alone(named: ResponseId, key: str, other: str) -> None:
    text = named.text(key)
    assert ResponseId.read(text, key) == named
    if other != key:
        assert ResponseId.read(text, other) is None


@given(IDS, st.data())
def test_a_changed_id_is_none(named: ResponseId, data: st.DataObject) -> None:
    text = named.text("key")
    place = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from("0123456789abcdefXYZ_-").filter(lambda c: c != text[place]))
    assert ResponseId.read(text[:place] + char + text[place + 1 :], "key") is None


@pytest.mark.parametrize("text", ["", "resp_", "resp_1", "chatcmpl-1", "resp_" + "0" * 40 + "_"])
def test_another_text_is_no_id(text: str) -> None:
    assert ResponseId.read(text, "key") is None


def test_the_correlation_id_follows_from_key_and_request() -> None:
    named = ResponseId(request_id="r1", partition=3, accepted_at=5)
    identity = named.identity("key")
    assert (identity.request_id, identity.partition) == ("r1", 3)
    assert identity.correlation == derived_correlation("key", "r1")
    assert identity.correlation != named.identity("other").correlation
