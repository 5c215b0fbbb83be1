"""Features of labelled rows, extracted once for all fits and predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streams.offline.training.labels import Labels
from streams.offline.training.ngram_rows import CompactRow, NgramRows, compact_row
from streams.routing.learned.answer_numbers import answer_numbers
from streams.routing.learned.ngrams import Floats
from streams.routing.learned.text_numbers import text_numbers
from streams.routing.learned.tokens import Tokens

Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFeatures:
    """One model's answers by row: their features relative to the question, and their n-grams. A row
    without a call has an empty text.
    """

    numbers: Floats
    ngrams: NgramRows

    def take(self, places: Places) -> AnswerFeatures:
        """Return these rows only."""
        return AnswerFeatures(numbers=self.numbers[places], ngrams=self.ngrams.take(places))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFeatures:
    """`numbers` and `ngrams` of the prompts, `scores` by row and model (NaN if unknown), `weights`
    by row, `answers` by model.
    """

    models: tuple[str, ...]
    scores: Floats
    weights: Floats
    numbers: Floats
    ngrams: NgramRows
    answers: dict[str, AnswerFeatures]

    def __len__(self) -> int:
        return len(self.ngrams)

    def take(self, places: Places) -> LabelFeatures:
        """Return these rows only."""
        return LabelFeatures(
            models=self.models,
            scores=self.scores[places],
            weights=self.weights[places],
            numbers=self.numbers[places],
            ngrams=self.ngrams.take(places),
            answers={model: seen.take(places) for model, seen in self.answers.items()},
        )


def label_features(labels: Labels, *, answers_of: Sequence[str] | None = None) -> LabelFeatures:
    """Extract the features of the rows; with answers of all models unless `answers_of` names
    some.
    """
    shown = labels.models if answers_of is None else tuple(answers_of)
    prompts = _TextRows()
    answers = {model: _TextRows() for model in (shown if labels.with_texts else ())}
    for row in labels.rows:
        # Tokens of all texts at once would take twenty times the memory of their features.
        prompt = Tokens.of(row.prompt)
        prompts.add(text_numbers(prompt), prompt)
        for model, rows in answers.items():
            answer = Tokens.of(row.texts.get(model, ""))
            rows.add(np.concatenate((answer_numbers(prompt, answer), text_numbers(answer))), answer)
    return LabelFeatures(
        models=labels.models,
        scores=labels.scores,
        weights=labels.weights,
        numbers=np.array(prompts.numbers),
        ngrams=NgramRows.of(prompts.ngrams),
        answers={
            model: AnswerFeatures(numbers=np.array(rows.numbers), ngrams=NgramRows.of(rows.ngrams))
            for model, rows in answers.items()
        },
    )


@dataclass(slots=True)
class _TextRows:
    """Features of texts, as they are extracted."""

    numbers: list[Floats] = field(default_factory=list)
    ngrams: list[CompactRow] = field(default_factory=list)

    def add(self, numbers: Floats, tokens: Tokens) -> None:
        """Add a text."""
        self.numbers.append(numbers)
        self.ngrams.append(compact_row(tokens.all))
