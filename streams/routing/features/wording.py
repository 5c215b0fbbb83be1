"""Words of a text, split once for many lookups.

Words are lower case, split at everything but letters, digits and apostrophes, typographic ones
included. Scripts without spaces keep whole sentences. For hundreds of phrases at once use
`lexicon`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

_SPLIT = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "'")}
_SPLIT |= {ord("’"): "'", **{ord(mark): " " for mark in "“”„«»–—…¿¡。、，？！「」"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Words and phrases of one meaning, prepared for lookup."""

    words: frozenset[str]
    by_first_word: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, *texts: str) -> Phrases:
        """Build from words, and from phrases of several words separated by single spaces."""
        words = frozenset(text for text in texts if " " not in text)
        phrases: dict[str, tuple[str, ...]] = {}
        for text in texts:
            if " " in text:
                first = text.split(" ", 1)[0]
                phrases[first] = (*phrases.get(first, ()), f" {text} ")
        return cls(words=words, by_first_word=phrases)


@dataclass(frozen=True)
class Wording:
    """Words of a text in order."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Wording:
        """Split a text."""
        return cls(tuple(text.lower().translate(_SPLIT).split()))

    @cached_property
    def known(self) -> frozenset[str]:
        """Return the set of words."""
        return frozenset(self.words)

    @cached_property
    def line(self) -> str:
        """Return the words with one space before, between and after."""
        return f" {' '.join(self.words)} "

    def contains(self, phrases: Phrases) -> bool:
        """Return whether one of the words or phrases occurs."""
        if not phrases.words.isdisjoint(self.known):
            return True
        for first in phrases.by_first_word.keys() & self.known:
            if any(phrase in self.line for phrase in phrases.by_first_word[first]):
                return True
        return False
