"""Labelled requests: prompts, and the quality of models' answers to each.

A line of a file is `{prompt, answers: {model: {score, text}}}` or `{prompt, scores: {model:
score}}`, JSON, plain or gzip. A score is 0..1. A model without one in a row was not called, and its
score is unknown (NaN). `weight` (> 0, else 1) is the number of requests that a row represents: one
over the probability with which it was drawn.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, nan
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.errors import SluiceError

Floats = NDArray[np.float64]

LEAST_BESIDE = 50
"""Minimum number of labels to keep a model beside the requested ones."""


class LabelsError(SluiceError):
    """A label file is unusable; the message has the line and the expected content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One prompt; `scores` 0..1 and answers' `texts` by model, if available; it represents `weight`
    requests; rows of one `group` are left out together.
    """

    prompt: str
    scores: Mapping[str, float]
    texts: Mapping[str, str]
    weight: float = 1.0
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Fields of a file with other names: `prompt`, `weight`, and by model its `scores` and the
    `texts` of its answers; `group` is the field by which rows are left out together. A name with
    dots is a path into objects.
    """

    prompt: str = "prompt"
    weight: str = "weight"
    scores: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None

    def document(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return a row of the file under the standard names."""
        named: dict[str, Any] = {
            name: row[name] for name in ("answers", "scores") if name in row
        } | {"prompt": _field(row, self.prompt)}
        if (weight := _field(row, self.weight)) is not None:
            named["weight"] = weight
        if self.scores:
            named.pop("answers", None)
            found = {model: _field(row, name) for model, name in self.scores.items()}
            scores = {model: score for model, score in found.items() if score is not None}
            named["scores"] = scores
            if self.texts:
                named["answers"] = {
                    model: {"score": score, "text": _field(row, self.texts[model])}
                    for model, score in scores.items()
                    if model in self.texts
                }
        return named


def _field(row: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path of names, or `None`; a name with a dot is first tried as a
    whole.
    """
    if path in row:
        return row[path]
    found: Any = row
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Rows and the models that were scored in any of them, in order."""

    rows: tuple[Labelled, ...]
    models: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def prompts(self) -> list[str]:
        """Return all prompts."""
        return [row.prompt for row in self.rows]

    @property
    def scores(self) -> Floats:
        """Return scores by row and model; NaN if a model was not called."""
        return np.array(
            [[row.scores.get(model, nan) for model in self.models] for row in self.rows]
        )

    @property
    def weights(self) -> Floats:
        """Return the number of requests that each row represents."""
        return np.array([row.weight for row in self.rows])

    def scored_by(self, *models: str) -> NDArray[np.intp]:
        """Return the indexes of the rows that score all of these models."""
        return np.flatnonzero([all(model in row.scores for model in models) for row in self.rows])

    def column(self, model: str) -> Floats:
        """Return the scores of one model.

        Raises:
            LabelsError: it was not scored in every row.
        """
        if len(self.scored_by(model)) < len(self):
            raise LabelsError(f"no scores of {model} in every row; scored models: "
                              + ", ".join(self.models))  # fmt: skip
        return np.array([row.scores[model] for row in self.rows])

    @property
    def with_texts(self) -> bool:
        """Return whether every score has its answer's text."""
        return all(model in row.texts for row in self.rows for model in row.scores)

    def take(self, places: Sequence[int] | NDArray[np.intp]) -> Labels:
        """Return these rows only."""
        return Labels(rows=tuple(self.rows[place] for place in places), models=self.models)


def labels_of(rows: Iterable[Labelled]) -> Labels:
    """Return rows with the models that any of them scores.

    Raises:
        LabelsError: there are no rows, or no scores.
    """
    kept = tuple(rows)
    if not kept:
        raise LabelsError("there is no row with a prompt and scores")
    models = tuple(dict.fromkeys(model for row in kept for model in row.scores))
    if not models:
        raise LabelsError("no model is scored in any row")
    return Labels(rows=kept, models=models)


def read_labels(
    path: Path, models: Sequence[str] = (), columns: ColumnMapping | None = None
) -> Labels:
    """Read labels from a file, its fields named by `columns`. With `models`, keep rows that score
    all of these, with the scores of other models that have enough labels.

    Raises:
        LabelsError: the file can't be read, or a line is invalid.
    """
    read = list(_lines(path, columns or ColumnMapping()))
    rows = [row for row in read if all(model in row.scores for model in models)]
    known = dict.fromkeys(model for row in read for model in row.scores)
    missing = [model for model in models if model not in known]
    if missing and known:
        raise LabelsError(
            f"{path}: no scores of {' or '.join(missing)}; scored models: {', '.join(known)}"
        )
    try:
        return _without_rare(labels_of(rows), models) if models else labels_of(rows)
    except LabelsError as error:
        wanted = f" for {' and '.join(models)}" if models else ""
        raise LabelsError(f"{path}{wanted}: {error}") from None


def _without_rare(labels: Labels, wanted: Sequence[str]) -> Labels:
    known = {model: len(labels.scored_by(model)) for model in labels.models}
    least = min(LEAST_BESIDE, len(labels))
    kept = [model for model in labels.models if model in wanted or known[model] >= least]
    if len(kept) == len(labels.models):
        return labels
    return labels_of(
        replace(
            row,
            scores={model: row.scores[model] for model in kept if model in row.scores},
            texts={model: row.texts[model] for model in kept if model in row.texts},
        )
        for row in labels.rows
    )


def _lines(path: Path, columns: ColumnMapping) -> Iterator[Labelled]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(line, f"{path}, line {number}", columns)
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        raise LabelsError(f"cannot read {path}: {why}") from None


def _row(line: bytes, place: str, columns: ColumnMapping) -> Labelled:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LabelsError(f"{place}: not JSON: {error.msg}") from None
    if not isinstance(document, dict):
        raise LabelsError(f"{place}: expected an object")
    group = None if columns.group is None else _field(document, columns.group)
    if columns.group is not None and group is None:
        raise LabelsError(f"{place}: no field `{columns.group}` to leave rows out by")
    document = columns.document(document)
    if not isinstance(document["prompt"], str):
        raise LabelsError(f"{place}: expected an object with a text `{columns.prompt}`")
    scores, texts = _answered(document, place)
    for model, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise LabelsError(f"{place}: the score of {model} is not a number from 0 to 1")
    weight = document.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < inf:
        raise LabelsError(f"{place}: `weight` is not a number above 0")
    return Labelled(
        prompt=document["prompt"],
        scores=scores,
        texts=texts,
        weight=float(weight),
        group=None if group is None else str(group),
    )


def _answered(document: Mapping[str, Any], place: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return scores and texts by model, of `answers` and `scores` together."""
    answers, scores = document.get("answers"), document.get("scores")
    given = [each for each in (answers, scores) if each is not None]
    if not given or not all(isinstance(each, dict) for each in given):
        raise LabelsError(f"{place}: expected `answers` or `scores` by model")
    found, texts = dict(scores or {}), {}
    for model, answer in (answers or {}).items():
        if not isinstance(answer, dict) or ("score" not in answer and model not in found):
            raise LabelsError(f"{place}: each answer must be an object with `score`")
        score = answer.get("score", found.get(model))
        if found.setdefault(model, score) != score:
            raise LabelsError(f"{place}: `answers` and `scores` differ in the score of {model}")
        if isinstance(answer.get("text", None), str | None) and "text" in answer:
            texts[model] = answer["text"] or ""
    return found, texts
