"""Texts are split into words at any punctuation."""

from __future__ import annotations

import pytest

from streams.routing.features.wording import Phrases, Wording

SOME = Phrases.of("translate", "step by step", "don't")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Translate this, please!", ("translate", "this", "please")),
        ("a-b_c/d", ("a", "b", "c", "d")),
        ("don’t “quote” me — ever…", ("don't", "quote", "me", "ever")),
        ("¿Qué? «Sí»", ("qué", "sí")),
        ("", ()),
    ],
)
def test_words_are_cut_at_every_mark(text: str, words: tuple[str, ...]) -> None:
    assert Wording.of(text).words == words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("TRANSLATE it", True),
        ("“Translate” it", True),
        ("translated", False),
        ("Step-by-step", True),
        ("step by\nstep", True),
        ("step by", False),
        ("I don’t", True),
    ],
)
def test_words_and_phrases_match_at_word_boundaries(text: str, found: bool) -> None:
    assert Wording.of(text).contains(SOME) is found
