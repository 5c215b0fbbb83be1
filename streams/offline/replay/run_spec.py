"""What a run replays, and its id: the same parameters over the same offsets are the same run.

So a run that was cut off goes on where it was when it is asked for again, and one that is done is
not done twice.
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
"""Offsets that are looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class OffsetSpan:
    """Offsets of one partition: `first` inclusive, `end` exclusive."""

    topic: str
    partition: int
    first: int
    end: int

    @property
    def count(self) -> int:
        """How many offsets."""
        return max(self.end - self.first, 0)

    def pieces(self, size: int) -> list[OffsetSpan]:
        """The span cut into pieces of at most this size, at multiples of it."""
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
    """A run: which requests, under which registry version.

    `sample` is the share (0..1) of them, drawn by their place in the log; `assess_all` looks at
    every request again even where its recorded score would do.
    """

    registry: str
    spans: tuple[OffsetSpan, ...]
    tenant: str | None = None
    feature: str | None = None
    sample: float = 1.0
    assess_all: bool = False

    @property
    def run_id(self) -> str:
        """Names the run."""
        text = orjson.dumps(self.as_document(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()[:RUN_ID_CHARACTERS]

    @property
    def offsets(self) -> int:
        """How many offsets it looks at."""
        return sum(span.count for span in self.spans)

    @property
    def pieces(self) -> list[OffsetSpan]:
        """What is read, decided and published together, in order."""
        return [piece for span in self.spans for piece in span.pieces(PIECE)]

    def takes(self, topic: str, partition: int, offset: int) -> bool:
        """Whether the sample has the request at this place."""
        if self.sample >= 1:
            return True
        return draw(f"replay/{topic}/{partition}/{offset}") < self.sample

    def as_document(self) -> dict[str, Any]:
        """As the run's opening record keeps it."""
        return asdict(self) | {"spans": [asdict(span) for span in self.spans]}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> RunSpec:
        """The spec in a document.

        Raises:
            KeyError, TypeError: it is none.
        """
        spans = tuple(OffsetSpan(**span) for span in document["spans"])
        return cls(**{**document, "spans": spans})
