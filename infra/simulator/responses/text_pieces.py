"""Pieces of an answer, as a model produces them: tokens, and groups of a few."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TOKEN = re.compile(r"\s*\S+|\s+")
TOKENS_A_PIECE = 3
_LONGEST_PIECE = 24


def tokens_of(text: str) -> list[str]:
    """Return the words of a text with the space before each; joined they are the text."""
    return _TOKEN.findall(text)


def pieces_of(text: str) -> list[str]:
    """Return pieces of a few words; joined they are the text. Words of JSON are long: cut them."""
    tokens = tokens_of(text)
    pieces: list[str] = []
    for start in range(0, len(tokens), TOKENS_A_PIECE):
        pieces += cut("".join(tokens[start : start + TOKENS_A_PIECE]))
    return pieces


def cut(text: str) -> Sequence[str]:
    """Return a text in parts of limited length."""
    if len(text) <= 2 * _LONGEST_PIECE:
        return (text,)
    return [text[at : at + _LONGEST_PIECE] for at in range(0, len(text), _LONGEST_PIECE)]
