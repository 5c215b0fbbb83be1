"""Categories of words, and numeric features of style: beginning, end, address, quotations.

They distinguish an exam question from a search, a chat or a program. They are part of
`text_numbers` and of its version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from streams.routing.learned.tokens import Tokens

WordKinds = Mapping[str, tuple[str, ...]]
KindsOf = Mapping[str, tuple[int, ...]]


def by_word(kinds: WordKinds) -> KindsOf:
    """Return the indexes of each word's categories."""
    return {
        word: tuple(place for place, words in enumerate(kinds.values()) if word in words)
        for words in kinds.values()
        for word in words
    }


def count_kinds(counts: Mapping[str, int], kinds_of: KindsOf, kinds: int) -> list[int]:
    """Return the number of words of each category among counted words."""
    found = [0] * kinds
    for word in counts.keys() & kinds_of.keys():
        for kind in kinds_of[word]:
            found[kind] += counts[word]
    return found


_STYLE_KINDS: dict[str, tuple[str, ...]] = {
    "persons": (
        *("i", "me", "my", "you", "your", "he", "she", "him", "her", "his", "they", "them"),
        *("their", "it", "its", "we", "us", "our", "someone", "somebody", "anyone", "people"),
        "person",
    ),
    "possibility": ("would", "could", "should", "might", "may", "can", "will", "must", "shall"),
    "articles": ("a", "an", "the", "this", "these", "those", "that"),
    "being": ("is", "are", "was", "were", "be", "been", "being", "am"),
    "places": (
        *("of", "in", "on", "at", "by", "for", "with", "from", "to", "into", "about", "between"),
        *("through", "during"),
    ),
    "joining": ("and", "but", "or", "because", "so", "although", "while"),
}

_STYLES = (
    *("begins with a capital", "begins with a small letter", "begins with a question word"),
    *("ends in a word", "ends in a full stop", "ends in a colon", "ends in blanks"),
    *("capitals at the beginning", "length of the first word", "length of the last word"),
    *("names", "share of names", "long words", "share of long words", "spread of word length"),
    *("words a sentence", "paragraphs", "formula commands", "lines of code", "calls"),
    *("calls of members", "greatest number", "mean number"),
)
NAMES: tuple[str, ...] = (*_STYLES, *(f"share of {kind}" for kind in _STYLE_KINDS))
"""Name of each feature."""

_KINDS_OF = by_word(_STYLE_KINDS)
_QUESTIONS = frozenset(("what", "which", "who", "where", "when", "why", "how"))
_NAME = re.compile(r"[A-Z](?<=[a-z,;)'] [A-Z])[a-z]")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_CODE_LINE = re.compile(
    r"^[ \t]*(?:def |class |import |from |return |for |while |if |elif |print|assert|#|//|>>>|\}"
    r"|var |let |const |public )",
    re.MULTILINE,
)
_CALL = re.compile(r"\((?<=\w\()")
_MEMBER_CALL = re.compile(r"\.\s?[a-z_]+\(")
_FIRST_CHARACTERS = 50
_LONG_WORD = 8
_MOST_NUMBERS = 200
_MOST_DIGITS = 15


def style_numbers(tokens: Tokens, lengths: NDArray[np.int64], sentences: int) -> tuple[float, ...]:
    """Return one number for each of `NAMES`; `lengths` are those of the words."""
    text, words = tokens.text, tokens.words
    many = max(len(words), 1)
    first, last = (words[0], words[-1]) if words else ("", "")
    end = text.rstrip()[-1:]
    names = len(_NAME.findall(text))
    mean = float(lengths.sum()) / many
    long = int((lengths > _LONG_WORD).sum())
    sizes = [float(n) for n in tokens.numbers[:_MOST_NUMBERS] if len(n) <= _MOST_DIGITS]
    return (
        float(text[:1].isupper()),
        float(text[:1].islower()),
        float(first in _QUESTIONS),
        float(end.isalnum()),
        float(end == "."),
        float(end == ":"),
        float(text[-1:].isspace()),
        sum(map(str.isupper, text[:_FIRST_CHARACTERS])),
        len(first),
        len(last),
        log1p(names),
        names / many,
        log1p(long),
        long / many,
        sqrt(max(float(lengths @ lengths) / many - mean * mean, 0.0)),
        log1p(len(words) / max(sentences, 1)),
        text.count("\n\n"),
        log1p(len(_COMMAND.findall(text))),
        log1p(len(_CODE_LINE.findall(text))),
        log1p(len(_CALL.findall(text))),
        log1p(len(_MEMBER_CALL.findall(text))),
        log1p(max(sizes, default=0.0)),
        sum(map(log1p, sizes)) / max(len(sizes), 1),
        *(each / many for each in count_kinds(tokens.counts, _KINDS_OF, len(_STYLE_KINDS))),
    )
