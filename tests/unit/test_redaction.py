"""What identifies people is taken out before it is stored, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.redaction import KINDS, MOST_CHARACTERS, redact

OUT = {
    "Write to ada.lovelace+x@mail.example.org please": "Write to <email> please",
    "My card is 4111 1111 1111 1111, thanks": "My card is <card>, thanks",
    "IBAN DE89 3704 0044 0532 0130 00": "IBAN <iban>",
    "Call +49 30 1234 5678 today": "Call <phone> today",
    "from 192.168.17.4 at noon": "from <ip> at noon",
    "use sk-abcdefghijklmnop1234567890 here": "use <key> here",
    "AKIAABCDEFGHIJKLMNOP": "<key>",
}
STAYS = [
    "The order 4111 1111 1111 1112 is no card",
    "In 2024 we sold 1,250 of 3.5 m each",
    "version 1.2.3 of release 10.20.300.4",
    "f(x) = 3 - 4 * 12 + 5",
    "@home and a@b",
]


@pytest.mark.parametrize("text", OUT)
def test_what_has_a_form_of_its_own_is_replaced_by_its_kind(text: str) -> None:
    assert redact(text, KINDS) == OUT[text]


@pytest.mark.parametrize("text", STAYS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    found = redact(text, [kind for kind in KINDS if kind != "phone"])

    assert found == text


def test_only_the_kinds_that_are_named_are_taken_out() -> None:
    text = "a@b.example from 10.0.0.1"

    assert redact(text, ["ip"]) == "a@b.example from <ip>"
    assert redact(text, []) == text


def test_a_text_is_kept_up_to_a_length() -> None:
    assert len(redact("x" * (2 * MOST_CHARACTERS), KINDS)) == MOST_CHARACTERS


@given(st.text(alphabet="0123456789 -.@ABCxyz_+()", max_size=2_000))
def test_what_was_redacted_holds_nothing_more_to_redact_of_its_kinds(text: str) -> None:
    once = redact(text, ["email", "key", "ip"])

    assert redact(once, ["email", "key", "ip"]) == once


@pytest.mark.parametrize("text", ["a@" * 40_000, "1-" * 40_000, "+1 " * 30_000, "eyJ" * 30_000])
def test_hostile_texts_end(text: str) -> None:
    assert len(redact(text, KINDS)) <= MOST_CHARACTERS + 100_000
