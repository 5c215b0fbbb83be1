"""Parameters of a run, and its id: the same parameters over the same offsets are the same run.

So an interrupted run resumes when it is requested again, and a completed one is not repeated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from streams.routing.draws import draw

RUN_ID_CHARACTERS = 12

PIECE = 20_000
"""Offsets that are processed together."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class OffsetSpan:
    """Offsets of one partition: `first` inclusive, `end` exclusive."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def count(self) -> int:
        """Return the number of offsets."""
        return max(self.end - self.first, 0)

    def pieces(self, size: int) -> list[OffsetSpan]:
        """Split the span into pieces of at most this size, at multiples of it."""
        cuts = range(self.first - self.first % size, self.end, size)
        return [
            OffsetSpan(
                topic=self.topic,
                partition=self.partition,
                first=max(cut, self.first),
                end=min(cut + size, self.end),
            )
            for cut in cuts
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """A run: its requests and its registry version.

    `sample` is their share (0..1), drawn by their position in the log; `assess_all` assesses every
    request again even if its recorded score could be reused.
    """

    registry: str
    spans: tuple[OffsetSpan, ...]
    tenant: str | None = None
    feature: str | None = None
    sample: float = 1.0
    assess_all: bool = False

    @property
    def run_id(self) -> str:
        """Return the id of the run."""
        text = orjson.dumps(self.as_document(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:RUN_ID_CHARACTERS]

    @property
    def offsets(self) -> int:
        """Return the number of offsets."""
        return sum(span.count for span in self.spans)

    @property
    def pieces(self) -> list[OffsetSpan]:
        """Return the pieces that are read, decided and published together, in order."""
        return [piece for span in self.spans for piece in span.pieces(PIECE)]

    def takes(self, topic: str, partition: int, offset: int) -> bool:
        """Return whether the sample includes the request at this position."""
        if self.sample >= 1:
            return True
        return draw(f"replay/{topic}/{partition}/{offset}") < self.sample

    def as_document(self) -> dict[str, Any]:
        """Return the form in the run's opening record."""
        return asdict(self) | {"spans": [asdict(span) for span in self.spans]}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> RunSpec:
        """Return the spec in a document.

        Raises:
            KeyError, TypeError: the document is not a spec.
        """
        spans = tuple(OffsetSpan(**span) for span in document["spans"])
        return cls(**{**document, "spans": spans})
