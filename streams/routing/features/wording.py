"""The words of a text, cut once, so that many questions about them cost little more than one.

Words are lower case, split at everything but letters, digits and apostrophes, typographic marks
included; scripts without blanks keep their sentences whole. For some hundred phrases at once there
is `lexicon`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

_SPLIT = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "'")}
_SPLIT |= {ord("’"): "'", **{ord(mark): " " for mark in "“”„«»–—…¿¡。、，？！「」"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """Words and phrases of one meaning, ready to be looked for."""

    words: frozenset[str]
    by_first_word: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, *texts: str) -> Phrases:
        """From words, and phrases of several words divided by single spaces."""
        words = frozenset(text for text in texts if " " not in text)
        phrases: dict[str, tuple[str, ...]] = {}
        for text in texts:
            if " " in text:
                first = text.split(" ", 1)[0]
                phrases[first] = (*phrases.get(first, ()), f" {text} ")
        return cls(words=words, by_first_word=phrases)


@dataclass(frozen=True)
class Wording:
    """A text's words in order."""

    words: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Wording:
        """Cut a text."""
        return cls(tuple(text.lower().translate(_SPLIT).split()))

    @cached_property
    def known(self) -> frozenset[str]:
        """Every word once."""
        return frozenset(self.words)

    @cached_property
    def line(self) -> str:
        """The words with one space before, between and behind."""
        return f" {' '.join(self.words)} "

    def says(self, phrases: Phrases) -> bool:
        """Whether one of the words or phrases occurs."""
        if not phrases.words.isdisjoint(self.known):
            return True
        for first in phrases.by_first_word.keys() & self.known:
            if any(phrase in self.line for phrase in phrases.by_first_word[first]):
                return True
        return False
