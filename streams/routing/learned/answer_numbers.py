"""Numeric features of an answer relative to its question: doubt, steps, overlap, ending.

For finished answers only; the features of the text itself are in `text_numbers`. The order is part
of every artifact: a change raises `VERSION`.
"""

from __future__ import annotations

import re
from math import log1p

import numpy as np
from numpy.typing import NDArray

from streams.routing.learned import result_numbers
from streams.routing.learned.tokens import Tokens

VERSION = 2

NAMES: tuple[str, ...] = (
    *("share of doubt", "doubt", "steps", "words from the question", "question's words used"),
    *("share of new numbers", "new numbers", "length beside the question", "ends whole"),
    *("marks its result", "turns back", "estimates", "digits at the end", "letters at the end"),
    *("very short", "length of the result", "digits of the result", "signs of the result"),
    *("commas of the result", "quotes of the result"),
    *(f"the result {name}" for name in result_numbers.NAMES),
)
"""Name of each feature."""

_DOUBT = frozenset(
    (
        *("uncertain", "unclear", "might", "may", "maybe", "perhaps", "probably", "likely"),
        *("seems", "appears", "approximately", "assume", "assuming", "however", "but", "wait"),
        *("actually", "recheck", "correct", "correction", "mistake", "error", "unable", "cannot"),
        *("sorry", "apologize", "apologies", "sure", "believe", "think"),
    )
)
_STEPS = frozenset(
    (
        *("step", "first", "second", "third", "then", "next", "therefore", "thus", "hence", "so"),
        *("finally", "because", "since"),
    )
)
_TURNS_BACK = ("wait", "actually", "mistake", "however", "but")
_ESTIMATES = ("approximately", "assume", "assuming")
_RESULT = re.compile(r'"answer"\s*:\s*(.{0,300})', re.DOTALL)
_WHOLE_ENDS = frozenset('.!?})]`$"。！？')
_TAIL_CHARACTERS = 200
_RESULT_CHARACTERS = 60
_VERY_SHORT = 60


def answer_numbers(question: Tokens, answer: Tokens) -> NDArray[np.float64]:
    """Return one number for each of `NAMES`."""
    words, question_words = answer.counts, question.counts
    many = max(len(answer.words), 1)
    doubt = sum(words[word] for word in _DOUBT & words.keys())
    shared = sum(
        min(count, question_words[word]) for word, count in words.items() if word in question_words
    )
    numbers = set(answer.numbers)
    fresh = len(numbers - set(question.numbers))
    text = answer.text
    tail = text.rstrip()[-_TAIL_CHARACTERS:]
    marked = _RESULT.findall(text)
    result = marked[-1] if marked else tail[-_RESULT_CHARACTERS:]
    return np.array(
        (
            doubt / many,
            log1p(doubt),
            log1p(sum(words[word] for word in _STEPS & words.keys())),
            shared / many,
            shared / max(len(question.words), 1),
            fresh / max(len(numbers), 1),
            log1p(fresh),
            log1p(answer.characters) - log1p(question.characters),
            float(tail[-1:] in _WHOLE_ENDS),
            float(bool(marked) or "\\boxed" in text or "**answer" in text.lower()),
            log1p(sum(words[word] for word in _TURNS_BACK)),
            log1p(sum(words[word] for word in _ESTIMATES)),
            log1p(sum(map(str.isdigit, tail))),
            log1p(sum(map(str.islower, tail))),
            float(answer.characters < _VERY_SHORT),
            log1p(len(result)),
            sum(map(str.isdigit, result)),
            sum(char in "/\\^.{" for char in result),
            result.count(","),
            result.count("'"),
            *result_numbers.result_numbers(question, answer),
        ),
        np.float64,
    )
