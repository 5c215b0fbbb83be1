"""The two learned models: expected quality of each model's answer to a prompt, and of this answer.

Both are a linear model over hashed n-grams whose predictions, together with features of the text,
feed a forest. Predictions are mean scores 0..1 like the labels; probabilities if labels are 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.errors import ArtifactError
from streams.routing.learned import answer_numbers, text_numbers
from streams.routing.learned.forest import Forest
from streams.routing.learned.ngrams import BUCKETS, Floats, Ids, count_ngrams, weigh
from streams.routing.learned.tokens import Tokens

Ngrams = tuple[Ids, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLinear:
    """Linear model over hashed n-grams: `idf` by bucket, `weights` by bucket and output, `bias` by
    output.
    """

    idf: NDArray[np.float32]
    weights: NDArray[np.float16]
    bias: NDArray[np.float32]

    def predict(self, ngrams: Ngrams) -> Floats:
        """Return a number for each output."""
        ids, counts = ngrams
        weighed = weigh(counts, self.idf[ids].astype(np.float64))
        found: Floats = weighed @ self.weights[ids].astype(np.float64) + self.bias
        return found

    def checked(self, outputs: int) -> TextLinear:
        """Return itself, if it has `outputs` outputs.

        Raises:
            ArtifactError: an array has another shape or contains numbers that are not finite.
        """
        shapes = (self.idf.shape, self.weights.shape, self.bias.shape)
        if shapes != ((BUCKETS,), (BUCKETS, outputs), (outputs,)):
            raise ArtifactError("the linear model's arrays are inconsistent")
        if not all(np.isfinite(each).all() for each in (self.idf, self.weights, self.bias)):
            raise ArtifactError("the linear model has numbers that are not finite")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptModel:
    """Expected scores of every column's answer, from the prompt alone.

    The last output is the mean over all columns, the ease of the prompt.
    """

    text: TextLinear
    forest: Forest

    def predict(self, prompt: Tokens) -> Floats:
        """Return the expected score of each column, then their mean."""
        return self.judge(text_numbers.text_numbers(prompt), count_ngrams(prompt.all))

    def judge(self, numbers: Floats, ngrams: Ngrams) -> Floats:
        """Return the same for a prompt with extracted features."""
        row = np.concatenate((numbers, self.text.predict(ngrams)))
        return self.forest.predict(row.astype(np.float32))

    def checked(self, columns: int) -> PromptModel:
        """Return itself, if it matches `columns` columns.

        Raises:
            ArtifactError: it does not.
        """
        outputs = columns + 1
        self.text.checked(outputs)
        self.forest.checked(len(text_numbers.NAMES) + outputs, outputs)
        return self


ANSWER_FEATURES = len(answer_numbers.NAMES) + 2 * len(text_numbers.NAMES) + 5
"""Features of answer against question, of the answer's text, of the question's text; the linear
model's two outputs; the prompt's ease; the expected score of this column; the column's mean score.
"""

ANSWER_OUTPUTS = 2
"""The answer's own score, and the mean score of all other columns' answers to that prompt."""

_TRUST = 0.5


def revise(expected: Floats, column: int, others: float) -> Floats:
    """Return the expected score of every column after the answer of one. `others` is the predicted
    mean of all other columns; their expectations move half of the way there, as the mean of both.
    """
    columns = len(expected) - 1
    if columns == 1:
        return expected
    before = (expected[-1] * columns - expected[column]) / (columns - 1)
    revised: Floats = expected + _TRUST * (others - before)
    return revised


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerModel:
    """Quality of an answer, from prompt and answer; one model for the answers of all columns.

    The second output is the difficulty of the prompt for the other columns. `prior` is the mean
    score of each column in training.
    """

    text: TextLinear
    forest: Forest
    prior: NDArray[np.float32]

    def predict(self, prompt: Tokens, answer: Tokens, expected: Floats, column: int) -> float:
        """Return the expected score of an answer; `expected` is the prediction of `PromptModel`."""
        numbers = np.concatenate(
            (
                answer_numbers.answer_numbers(prompt, answer),
                text_numbers.text_numbers(answer),
                text_numbers.text_numbers(prompt),
            )
        )
        return float(self.judge(numbers, count_ngrams(answer.all), expected, column)[0])

    def judge(self, numbers: Floats, ngrams: Ngrams, expected: Floats, column: int) -> Floats:
        """Return the expected score of this answer and the mean of all other columns' answers, from
        extracted features: of answer against question, of its text, of its prompt.
        """
        beliefs = (
            *self.text.predict(ngrams),
            expected[-1],
            expected[column],
            self.prior[column],
        )
        row = np.concatenate((numbers, beliefs)).astype(np.float32)
        return self.forest.predict(row)

    def checked(self, columns: int) -> AnswerModel:
        """Return itself, if it matches `columns` columns.

        Raises:
            ArtifactError: it does not.
        """
        self.text.checked(ANSWER_OUTPUTS)
        self.forest.checked(ANSWER_FEATURES, ANSWER_OUTPUTS)
        if self.prior.shape != (columns,) or not np.isfinite(self.prior).all():
            raise ArtifactError("the answer model's priors do not match its columns")
        return self
