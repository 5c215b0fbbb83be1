"""N-grams of many texts in two arrays: four bytes for each bucket of a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from streams.routing.learned.ngrams import BUCKETS, Floats, Ids, bucket_counts

Ngrams = tuple[Ids, Floats]
CompactRow = tuple[NDArray[np.uint16], NDArray[np.uint16]]
"""The buckets of a text, and the count of each."""


def compact_row(tokens: list[str]) -> CompactRow:
    """Count the n-grams of a tokenized text."""
    ids, counts = bucket_counts(tokens)
    return ids.astype(np.uint16), counts.astype(np.uint16)


@dataclass(frozen=True, slots=True, kw_only=True)
class NgramRows:
    """`ids` and `counts` of all texts, one text after the other; `ends` has the end of each, after
    a zero.
    """

    ids: NDArray[np.uint16]
    counts: NDArray[np.uint16]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[CompactRow]) -> NgramRows:
        """Join the rows of texts."""
        nothing = np.empty(0, np.uint16)
        return cls(
            ids=np.concatenate([nothing, *(ids for ids, _ in rows)]),
            counts=np.concatenate([nothing, *(counts for _, counts in rows)]),
            ends=np.cumsum([0, *(len(ids) for ids, _ in rows)]),
        )

    @classmethod
    def joined(cls, parts: Sequence[NgramRows]) -> NgramRows:
        """Return the rows of all parts, one part after the other."""
        sizes = np.concatenate([np.diff(part.ends) for part in parts])
        return cls(
            ids=np.concatenate([part.ids for part in parts]),
            counts=np.concatenate([part.counts for part in parts]),
            ends=np.concatenate(([0], np.cumsum(sizes))),
        )

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, place: int) -> Ngrams:
        """Return the buckets of one text, with 1 + ln(count) each."""
        here = slice(self.ends[place], self.ends[place + 1])
        return self.ids[here].astype(np.intp), 1.0 + np.log(self.counts[here].astype(np.intp))

    def __iter__(self) -> Iterator[Ngrams]:
        return (self[place] for place in range(len(self)))

    def take(self, places: NDArray[np.intp]) -> NgramRows:
        """Return these rows only."""
        sizes = np.diff(self.ends)[places]
        ends = np.concatenate(([0], np.cumsum(sizes)))
        # The index of each entry: the start of its row, and its position in the row.
        entries = np.repeat(self.ends[:-1][places] - ends[:-1], sizes) + np.arange(ends[-1])
        return NgramRows(ids=self.ids[entries], counts=self.counts[entries], ends=ends)

    def matrix(self) -> csr_matrix:
        """Return 1 + ln(count) by row and bucket."""
        return csr_matrix(
            (1.0 + np.log(self.counts.astype(np.int64)), self.ids.astype(np.int32), self.ends),
            shape=(len(self), BUCKETS),
        )


def weigh_rows(matrix: csr_matrix, idf: NDArray[np.float32]) -> csr_matrix:
    """Multiply each bucket by its weight and scale each row to length 1, in place."""
    matrix.data *= idf[matrix.indices]
    lengths = np.sqrt(np.concatenate([_squares(matrix[at : at + _CHUNK])
                                      for at in range(0, matrix.shape[0], _CHUNK)]))  # fmt: skip
    matrix.data *= np.repeat(1 / np.maximum(lengths, 1e-12), np.diff(matrix.indptr))
    return matrix


_CHUNK = 1_024
"""Rows whose squares are held at once."""


def _squares(matrix: csr_matrix) -> Floats:
    squares: Floats = np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel()
    return squares
