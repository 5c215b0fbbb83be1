"""Labelled requests: prompts, and how good which model's answer to each was.

A line of a file is `{prompt, answers: {model: {score, text}}}` or `{prompt, scores: {model:
score}}`, JSON, plain or gzip. A score is 0..1; a model without one in a row was not asked there.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.errors import SluiceError

Floats = NDArray[np.float64]


class LabelsError(SluiceError):
    """A file of labels can't be used; the message names the line and what is expected there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One prompt; `scores` 0..1 and answers' `texts` by model, where there are any."""

    prompt: str
    scores: Mapping[str, float]
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Rows and the models that were scored in every one of them, in order."""

    rows: tuple[Labelled, ...]
    models: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def prompts(self) -> list[str]:
        """All prompts."""
        return [row.prompt for row in self.rows]

    @property
    def scores(self) -> Floats:
        """Scores by row and model."""
        return np.array([[row.scores[model] for model in self.models] for row in self.rows])

    def column(self, model: str) -> Floats:
        """The scores of one model.

        Raises:
            LabelsError: it was not scored in every row.
        """
        if model not in self.models:
            raise LabelsError(f"no scores of {model} in every row; there are those of "
                              + ", ".join(self.models))  # fmt: skip
        return np.array([row.scores[model] for row in self.rows])

    @property
    def with_texts(self) -> bool:
        """Whether every row holds every model's answer."""
        return all(model in row.texts for row in self.rows for model in self.models)

    def take(self, places: Sequence[int] | NDArray[np.intp]) -> Labels:
        """These rows only."""
        return Labels(rows=tuple(self.rows[place] for place in places), models=self.models)


def labels_of(rows: Iterable[Labelled]) -> Labels:
    """Rows with the models that all of them score.

    Raises:
        LabelsError: there are no rows, or no model that all of them score.
    """
    kept = tuple(rows)
    if not kept:
        raise LabelsError("there is no row with a prompt and scores")
    models = tuple(model for model in kept[0].scores if all(model in row.scores for row in kept))
    if not models:
        raise LabelsError("no model is scored in every row")
    return Labels(rows=kept, models=models)


def read_labels(path: Path, models: Sequence[str] = ()) -> Labels:
    """Labels out of a file; with `models`, rows that score all of these, and the rest is left out.

    Raises:
        LabelsError: the file can't be read, or a line is not as it should be.
    """
    rows = [row for row in _lines(path) if all(model in row.scores for model in models)]
    try:
        return labels_of(rows)
    except LabelsError as error:
        wanted = f" for {' and '.join(models)}" if models else ""
        raise LabelsError(f"{path}{wanted}: {error}") from None


def _lines(path: Path) -> Iterator[Labelled]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(line, f"{path}, line {number}")
    except (OSError, EOFError) as error:
        raise LabelsError(f"{path} can't be read: {error}") from None


def _row(line: bytes, place: str) -> Labelled:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        raise LabelsError(f"{place}: not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("prompt"), str):
        raise LabelsError(f"{place}: an object with a text `prompt` is expected")
    answers, scores = document.get("answers"), document.get("scores")
    if isinstance(answers, dict):
        scores = {model: _part(answer, "score", place) for model, answer in answers.items()}
        texts = {
            model: answer["text"] or ""
            for model, answer in answers.items()
            if isinstance(answer.get("text", None), str | None) and "text" in answer
        }
    elif isinstance(scores, dict):
        texts = {}
    else:
        raise LabelsError(f"{place}: `answers` or `scores` by model are expected")
    for model, score in scores.items():
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise LabelsError(f"{place}: the score of {model} is not a number from 0 to 1")
    return Labelled(prompt=document["prompt"], scores=scores, texts=texts)


def _part(answer: Any, name: str, place: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise LabelsError(f"{place}: each answer is an object with `{name}`")
    return answer[name]
