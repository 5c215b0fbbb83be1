"""Numeric features of an answer's result: whether the derivation leads to it, and what it is.

A result at the end of the reasoning is correct more often than one without a derivation. Marks of a
result: a JSON key, "the answer is", a boxed formula. These features are part of `answer_numbers`
and of its version.
"""

from __future__ import annotations

import re
from math import log1p

from streams.routing.learned.tokens import NUMBER, Tokens

NAMES: tuple[str, ...] = (
    *("is on the way", "times on the way", "is at the end of the way", "is in the question"),
    *("is the last number", "is a number of the way", "characters after it", "its words"),
    *("begins as a number", "begins as a word", "begins as a list", "length of the way"),
    *("code fences", "equations of the way", "lines of the way", "digits of its last number"),
    "different numbers at the end of the way",
)
"""Name of each feature, of a result and of its derivation."""

_MARK = re.compile(r'"answer"\s*:\s*')
_SAID_MARK = re.compile(r"\b[Aa]nswer(?: is|:)\**\s*|\\boxed\{|####\s*")
_UNMARKED_CHARACTERS = 60
_RESULT_CHARACTERS = 300
_LINE_CHARACTERS = 60
_WAY_END_CHARACTERS = 300
_LAST_NUMBERS = 5
_DRESS = "`}\n \"',$*"


def result_of(text: str) -> tuple[str, str, int]:
    """Return the derivation, the result after its last mark (or the text's end), and how many
    characters follow the examined part.
    """
    marked = list(_MARK.finditer(text)) or list(_SAID_MARK.finditer(text))
    if marked:
        begin, end = marked[-1].start(), marked[-1].end() + _RESULT_CHARACTERS
        result = text[marked[-1].end() : end]
        return text[:begin], result, max(len(text) - end, 0)
    begin = max(len(text.rstrip()) - _UNMARKED_CHARACTERS, 0)
    return text[:begin], text[begin:], 0


def result_numbers(question: Tokens, answer: Tokens) -> tuple[float, ...]:
    """Return one number for each of `NAMES`."""
    way, result, after = result_of(answer.text)
    line = result.strip(_DRESS).split("\n")[0].strip(_DRESS)[:_LINE_CHARACTERS]
    on_the_way = NUMBER.findall(way)
    of_result = NUMBER.findall(line)
    last = of_result[-1] if of_result else ""
    return (
        float(line != "" and line in way),
        log1p(way.count(line)) if line else 0.0,
        float(line != "" and line in way[-_WAY_END_CHARACTERS:]),
        float(line != "" and line in question.text),
        float(last != "" and last == (on_the_way[-1] if on_the_way else "")),
        float(last != "" and last in on_the_way),
        log1p(after),
        line.count(" "),
        float(line[:1].isdigit() or line[:1] == "-"),
        float(line[:1].isalpha()),
        float(line[:1] in ("[", "(", "{")),
        log1p(len(way)),
        answer.text.count("```"),
        log1p(way.count("=")),
        log1p(way.count("\n") + way.count("\\n")),
        len(last),
        len(set(on_the_way[-_LAST_NUMBERS:])),
    )
