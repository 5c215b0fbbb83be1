"""Tokens of a text, split once for all counts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

HEAD_CHARACTERS = 4_000
TAIL_CHARACTERS = 1_000

_TOKEN = re.compile(r"[^\W\d_]+|\d|[^\w\s]")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """`text` is the examined part of a text of `characters`: its head and its tail. `all` are
    words, single digits and signs in order, lower case; `counts` counts its words alone.
    """

    text: str
    characters: int
    all: list[str]
    words: list[str]
    counts: Counter[str]
    numbers: list[str]

    @classmethod
    def of(cls, text: str) -> Tokens:
        """Split a text."""
        examined = text
        if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
            examined = f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"
        found: list[str] = _TOKEN.findall(examined.lower())
        words = list(filter(str.isalpha, found))
        return cls(
            text=examined,
            characters=len(text),
            all=found,
            words=words,
            counts=Counter(words),
            numbers=NUMBER.findall(examined) if any(map(str.isdigit, found)) else [],
        )
