"""Word categories: the categories of each word, and the counts of a text."""

from __future__ import annotations

from collections.abc import Mapping

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
