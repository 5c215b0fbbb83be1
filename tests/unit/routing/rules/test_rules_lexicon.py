"""Phrases are matched at word boundaries, in one pass, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.rules.lexicon import Lexicon, plain
from streams.routing.rules.signals import LEXICON, SIGNALS

SMALL = Lexicon(
    {"proof": ("prove", "beweis*", "証明"), "steps": ("step by step", "step"), "notation": ("x^",)}
)


def _found(text: str) -> list[tuple[str, str]]:
    return [(meaning, phrase) for meaning, phrase, _, _ in SMALL.find(plain(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Prove it", [("proof", "prove")]),
        ("(prove)", [("proof", "prove")]),
        ("approve proven proves prove2", []),
        ("Beweise es, beweisen", [("proof", "beweis")] * 2),
        ("unbeweisbar", []),
        ("これを証明する", [("proof", "証明")]),
        ("Step-by-step, step", [("steps", "step by step"), ("steps", "step")]),
        ("step\nby step", [("steps", "step by step")]),
        ("x^2", [("notation", "x^")]),
        ("", []),
    ],
)
def test_phrases_match_at_word_boundaries(text: str, found: list[tuple[str, str]]) -> None:
    assert _found(text) == found


def test_a_match_has_its_position_in_characters() -> None:
    text = plain("Ö 証明 – prove")

    assert [text[begin:end] for _, _, begin, end in SMALL.find(text)] == ["証明", "prove"]


@pytest.mark.parametrize("twice", ["prove", "prove*"])
def test_a_phrase_has_one_meaning(twice: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        Lexicon({"a": ("prove",), "b": (twice,)})


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    made = plain(text)

    assert all(made[begin:end] == phrase for _, phrase, begin, end in LEXICON.find(made))


def test_every_signal_has_phrases_and_a_reason() -> None:
    meanings = {meaning for meaning, *_ in LEXICON.known}

    assert meanings >= SIGNALS.keys()
    assert len({signal.reason for signal in SIGNALS.values()}) == len(SIGNALS)
