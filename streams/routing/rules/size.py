"""Length of a question, independent of its script."""

from __future__ import annotations

import re
from math import exp, log, sqrt

_DENSE = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
_SYLLABLES = re.compile("[\u3040-\u30ff\uac00-\ud7a3]")
_DENSE_CHARACTERS = 3.3
"""Latin characters equivalent to one Chinese character; parallel texts: 2.6 to 3.4."""

_SYLLABLE_CHARACTERS = 1.6
"""The same for one kana or hangul syllable."""

_FEW_WIDE = 1.2
"""Bytes a character below which a text contains hardly any Chinese, Japanese or Korean."""

_SAMPLE = 240
"""Characters sampled to count how many are Chinese, Japanese or Korean."""

_CHARACTERS_PER_WORD = 6
_LENGTH_WEIGHT = 0.2
_USUAL = 66
"""Latin characters at which length has no weight."""

_ROOM = 0.035
"""Maximum weight of length in a text without evidence of difficulty: with the base, below the first
boundary of the local registry.
"""

_DOUBTFUL = 0.04
"""Evidence below this occurs in any longer text by chance."""

_ROOM_BY_EVIDENCE = 8.0
"""Maximum weight of length for each unit of weight that is evidence of difficulty."""

_SHORTEST, _LONGEST = 16, 12_000
_KNEE = 0.1


def latin_characters(read: str, characters: int) -> float:
    """Return the equivalent length in a Latin script of a question of `characters`; `read` is the
    examined part, from which the whole is estimated.
    """
    if read.isascii():
        return float(characters)
    if len(read.encode("utf-8", "surrogatepass")) < _FEW_WIDE * len(read):
        return float(characters)
    sample = read[:_SAMPLE]
    dense = len(sample) - len(_DENSE.sub("", sample))
    syllables = len(sample) - len(_SYLLABLES.sub("", sample))
    more = (_DENSE_CHARACTERS - 1) * dense + (_SYLLABLE_CHARACTERS - 1) * syllables
    return characters * (1 + more / len(sample))


def words_of(characters: float) -> float:
    """Return the words in so many Latin characters."""
    return characters / _CHARACTERS_PER_WORD


def length_weight(characters: float) -> float:
    """Return the weight of length: the same for each doubling, since on public question sets
    difficulty grows with the logarithm of the length.
    """
    return _LENGTH_WEIGHT * log(min(max(characters, _SHORTEST), _LONGEST) / _USUAL)


def within_room(weight: float, evidence: float) -> float:
    """Return the effect of a positive weight of length beside this evidence of difficulty: nearly
    the whole while it is small against the limit that the evidence sets, and never above the limit.

    A long text is not hard for its length. Of two texts of equal evidence the longer one is harder,
    so the order by length is kept.
    """
    room = _ROOM + _ROOM_BY_EVIDENCE * max(evidence - _DOUBTFUL, 0.0)
    return weight / sqrt(1 + (weight / room) ** 2)


def bounded(score: float) -> float:
    """Return a sum of weights as a score in 0..1: identical from 0.1 to 0.9, and compressed towards
    0 and 1 beyond, so that different sums stay different.
    """
    if score < _KNEE:
        return _KNEE * exp((score - _KNEE) / _KNEE)
    if score > 1 - _KNEE:
        return 1 - _KNEE * exp((1 - _KNEE - score) / _KNEE)
    return score
