"""Features of labelled rows, extracted once for all fits and predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streams.offline.training.labels import Labels
from streams.offline.training.ngram_rows import NgramRows
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
    prompts = [Tokens.of(prompt) for prompt in labels.prompts]
    shown = labels.models if answers_of is None else tuple(answers_of)
    return LabelFeatures(
        models=labels.models,
        scores=labels.scores,
        weights=labels.weights,
        numbers=np.array([text_numbers(prompt) for prompt in prompts]),
        ngrams=NgramRows.of(prompt.all for prompt in prompts),
        answers={
            model: _answers(prompts, [row.texts.get(model, "") for row in labels.rows])
            for model in (shown if labels.with_texts else ())
        },
    )


def _answers(prompts: Sequence[Tokens], texts: Sequence[str]) -> AnswerFeatures:
    numbers: list[Floats] = []

    def tokens() -> Iterator[list[str]]:
        for prompt, text in zip(prompts, texts, strict=True):
            answer = Tokens.of(text)
            numbers.append(np.concatenate((answer_numbers(prompt, answer), text_numbers(answer))))
            yield answer.all

    ngrams = NgramRows.of(tokens())
    return AnswerFeatures(numbers=np.array(numbers), ngrams=ngrams)
