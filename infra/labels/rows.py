"""Judged answers and prompts become rows of labels, for `streams.offline.training.labels`."""

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
"""A shadow call stands for the requests that were not drawn, but for no more than so many."""

BY_TIER, BY_MODEL = "tier", "model"


class LabelsFileError(SluiceError):
    """Labels can't be written where they were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One prompt; `scores` 0..1 by tier or model, of those that were judged; its `weight`, 1 up."""

    prompt: str
    scores: Mapping[str, float]
    weight: float

    def as_document(self) -> dict[str, Any]:
        """As a line of a file of labels."""
        return {"prompt": self.prompt, "scores": dict(self.scores), "weight": self.weight}


def label_rows(
    answers: Iterable[JudgedAnswer], prompts: Mapping[AskedRequest, str], *, by: str = BY_TIER
) -> list[LabelRow]:
    """One row for each request whose prompt is known and not blank, in the order of the answers.

    Where two models of a tier were judged, the more trusted signal counts, of equals their mean.
    The weight of a row is one over the smallest probability of its shadow calls.
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
    """Write rows as JSON lines, gzip where the name ends in `.gz`.

    Raises:
        LabelsFileError: the file can't be written.
    """
    lines = b"".join(orjson.dumps(row.as_document()) + b"\n" for row in rows)
    try:
        path.write_bytes(gzip.compress(lines, mtime=0) if path.suffix == ".gz" else lines)
    except OSError as error:
        raise LabelsFileError(f"{path} can't be written: {error.strerror}") from None
