"""The words of a question, cut once, so that many signals cost little more than one.

A regular expression a signal took 1.2 ms for a page of text; one cut into words and look-ups in
sets take a twentieth of it. Words are lower case, split at everything but letters, digits and
apostrophes of ASCII text; other scripts keep their characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

_SPLIT = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "'")}


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

    def begins(self, phrases: Phrases) -> bool:
        """Whether the text begins with one of the words or phrases."""
        if not self.words:
            return False
        first = self.words[0]
        return first in phrases.words or any(
            self.line.startswith(phrase) for phrase in phrases.by_first_word.get(first, ())
        )

    def follows(self, first: frozenset[str], then: frozenset[str], *, within: int) -> bool:
        """Whether a word of `then` stands at most `within` words behind one of `first`."""
        if first.isdisjoint(self.known) or then.isdisjoint(self.known):
            return False
        return any(
            word in first and not then.isdisjoint(self.words[place + 1 : place + 1 + within])
            for place, word in enumerate(self.words)
        )

    def count(self, words: frozenset[str], phrases: Iterable[str] = ()) -> int:
        """How often the words, and the phrases (of several words), occur."""
        present = words & self.known
        found = sum(self.words.count(word) for word in present)
        return found + sum(self.line.count(f" {phrase} ") for phrase in phrases)
