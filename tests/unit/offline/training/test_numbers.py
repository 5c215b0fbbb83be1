"""Numeric features of texts: style separates kinds of writers, a result is found and traced."""

from __future__ import annotations

import pytest

from streams.routing.learned import answer_numbers, result_numbers, text_numbers
from streams.routing.learned.result_numbers import result_of
from streams.routing.learned.tokens import Tokens


def _text(text: str) -> dict[str, float]:
    found = text_numbers.text_numbers(Tokens.of(text))
    return dict(zip(text_numbers.NAMES, map(float, found), strict=True))


def _answer(question: str, answer: str) -> dict[str, float]:
    found = answer_numbers.answer_numbers(Tokens.of(question), Tokens.of(answer))
    return dict(zip(answer_numbers.NAMES, map(float, found), strict=True))


def test_a_search_an_exam_and_a_program_differ_in_how_they_begin_and_end() -> None:
    search = _text("who wrote the raven")
    exam = _text("Which Irish boxer was nicknamed the Clones Cyclone?")
    program = _text("def twice(x):\n    return double(x.value())\n")

    assert search["begins with a small letter"] == search["begins with a question word"] == 1
    assert search["ends in a word"] == 1
    assert exam["begins with a capital"] == exam["ends in a question"] == 1
    assert exam["names"] > search["names"] == 0
    assert program["lines of code"] == pytest.approx(1.0986, abs=1e-3)
    assert program["ends in blanks"] == 1
    assert program["calls of members"] > exam["calls of members"] == 0


@pytest.mark.parametrize("unit", ["\n", " ", "a", "a(", ".a", "A a ", "\\a", '"answer": ', "9"])
def test_no_text_is_slow_or_gives_unbounded_numbers(unit: str) -> None:
    found = _answer(unit * 4, unit * 5_000)

    assert all(abs(value) < 1e6 for value in found.values())


MARKED = {
    "a key": ('{"reasoning": "2 + 2 = 4", "answer": "4"}', '{"reasoning": "2 + 2 = 4", ', '"4"}'),
    "said": ("We add. The answer is 4", "We add. The ", "4"),
    "a key before what is said": (
        'The answer is odd. {"answer": 5}', "The answer is odd. {", "5}"
    ),
    "the last of two": ('{"answer": 1}, no: {"answer": 2}', '{"answer": 1}, no: {', "2}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MARKED)
def test_a_result_follows_the_last_mark(kind: str) -> None:
    text, way, result = MARKED[kind]

    assert result_of(text) == (way, result, 0)


def test_a_text_without_a_mark_ends_in_its_result() -> None:
    way, result, after = result_of("x" * 100 + "4")

    assert (len(way), len(result), after) == (41, 60, 0)


def test_a_result_derived_in_the_reasoning_differs_from_an_unrelated_one() -> None:
    led = _answer("How many?", '{"reasoning": "3 and 4 make 12", "answer": "12"}')
    leapt = _answer("How many?", '{"reasoning": "3 and 4 make 12", "answer": "15"}')

    for name in ("is on the way", "is the last number", "is a number of the way"):
        assert (led[f"the result {name}"], leapt[f"the result {name}"]) == (1, 0)


def test_every_number_has_its_name() -> None:
    numbers = result_numbers.result_numbers(Tokens.of(""), Tokens.of(""))

    assert len(numbers) == len(result_numbers.NAMES)
    assert len(set(answer_numbers.NAMES)) == len(answer_numbers.NAMES)
    assert len(set(text_numbers.NAMES)) == len(text_numbers.NAMES)
