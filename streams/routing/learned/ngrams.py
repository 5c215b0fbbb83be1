"""Hashed words and word pairs: a text as (bucket, weight) pairs, without a vocabulary.

Feature hashing (Weinberger et al., ICML 2009): every token and every pair of neighbours maps to one
of a fixed number of buckets. Weights are 1 + ln(count) times the bucket's inverse document
frequency, scaled to length 1 (Salton and Buckley, 1988).
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 14

_PAIR_FACTOR = np.uint32(0x9E3779B1)
_MIX_FACTOR = np.uint32(0x85EBCA6B)
_MAX_REMEMBERED = 50_000

Ids = NDArray[np.intp]
Floats = NDArray[np.float64]


class _Hashes(dict[str, int]):
    """Cache of recent tokens' hashes. A dictionary returns a known value without a Python call, the
    main cost of counting.
    """

    def __missing__(self, token: str) -> int:
        if len(self) >= _MAX_REMEMBERED:
            self.clear()
        found = self[token] = crc32(token.encode())
        return found


_hash = _Hashes().__getitem__


def count_ngrams(tokens: list[str]) -> tuple[Ids, Floats]:
    """Return the buckets of the tokens and of their pairs, ascending, with 1 + ln(count) each."""
    ids, counts = bucket_counts(tokens)
    return ids, 1.0 + np.log(counts)


def bucket_counts(tokens: list[str]) -> tuple[Ids, Ids]:
    """Return the buckets of the tokens and of their pairs, ascending, with the count of each."""
    if not tokens:
        return np.empty(0, np.intp), np.empty(0, np.intp)
    single = np.fromiter(map(_hash, tokens), np.uint32, len(tokens))
    pairs = single[:-1] * _PAIR_FACTOR ^ single[1:]
    hashes = np.concatenate((single, pairs)) * _MIX_FACTOR
    counts = np.bincount(hashes >> np.uint32(18), minlength=BUCKETS)
    ids = np.flatnonzero(counts)
    return ids, counts[ids]


def weigh(counts: Floats, idf: Floats) -> Floats:
    """Return the weights of a text's buckets, with total length 1; `idf` is that of each of
    them.
    """
    weights = counts * idf
    length = float(np.sqrt(weights @ weights))
    return weights / length if length else weights
