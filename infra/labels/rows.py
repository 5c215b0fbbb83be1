"""Conversion of scored answers and prompts to label rows for `streams.offline.training.labels`."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import orjson

from infra.labels.judged_answers import TRUST, AskedRequest, JudgedAnswer
from schemas.errors import SluiceError

MOST_WEIGHT = 20.0
"""Maximum weight of a shadow call, which stands for the requests that were not drawn."""

BY_TIER = "tier"


class LabelsFileError(SluiceError):
    """The label file could not be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One prompt; `scores` 0..1 by tier or model, of the scored ones; its `weight`, at least 1."""

    prompt: str
    scores: Mapping[str, float]
    weight: float

    def as_document(self) -> dict[str, Any]:
        """Return a line of a label file."""
        return {"prompt": self.prompt, "scores": dict(self.scores), "weight": self.weight}


def label_rows(
    answers: Iterable[JudgedAnswer], prompts: Mapping[AskedRequest, str], *, by: str = BY_TIER
) -> list[LabelRow]:
    """Return one row for each request with a known, non-blank prompt, in the order of the answers.

    If two models of a tier have scores, the more trusted signal counts, and the mean of equally
    trusted ones. The weight of a row is one over the smallest probability of its shadow calls.
    """
    grouped: dict[AskedRequest, list[JudgedAnswer]] = defaultdict(list)
    for answer in answers:
        grouped[answer.request].append(answer)
    return [
        LabelRow(prompt=prompts[request], scores=_scores(judged, by), weight=_weight(judged))
        for request, judged in grouped.items()
        if prompts.get(request, "").strip()
    ]


def _scores(judged: Sequence[JudgedAnswer], by: str) -> dict[str, float]:
    columns: dict[str, list[JudgedAnswer]] = defaultdict(list)
    for answer in judged:
        columns[answer.tier if by == BY_TIER else answer.model].append(answer)
    scores = {}
    for name, found in columns.items():
        best = min(TRUST.index(answer.signal) for answer in found)
        scores[name] = fmean(answer.score for answer in found if answer.signal == TRUST[best])
    return scores


def _weight(judged: Sequence[JudgedAnswer]) -> float:
    drawn = [answer.propensity for answer in judged if answer.propensity is not None]
    least = min(drawn, default=1.0)
    return MOST_WEIGHT if least * MOST_WEIGHT <= 1 else 1 / least


def write_rows(path: Path, rows: Iterable[LabelRow]) -> None:
    """Write rows as JSON lines, gzip if the name ends in `.gz`.

    Raises:
        LabelsFileError: the file could not be written.
    """
    lines = b"".join(orjson.dumps(row.as_document()) + b"\n" for row in rows)
    try:
        path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
    except OSError as error:
        raise LabelsFileError(f"{path} cannot be written: {error.strerror}") from None
