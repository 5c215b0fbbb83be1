"""Kinds of words: which words tell of a kind, and how many of each kind a text has."""

from __future__ import annotations

from collections.abc import Mapping

WordKinds = Mapping[str, tuple[str, ...]]
KindsOf = Mapping[str, tuple[int, ...]]


def by_word(kinds: WordKinds) -> KindsOf:
    """The places of the kinds that each word tells of."""
    return {
        word: tuple(place for place, words in enumerate(kinds.values()) if word in words)
        for words in kinds.values()
        for word in words
    }


def count_kinds(counts: Mapping[str, int], kinds_of: KindsOf, kinds: int) -> list[int]:
    """How many words of each kind there are among counted words."""
    found = [0] * kinds
    for word in counts.keys() & kinds_of.keys():
        for kind in kinds_of[word]:
            found[kind] += counts[word]
    return found
