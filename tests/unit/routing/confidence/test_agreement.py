"""Two answers agree if their conclusions do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.confidence.agreement import agreement


def answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def called(name: str, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"function": {"name": name, "arguments": arguments}}]}


SAME = [
    ("42", "The result is 42."),
    ("So we get \\boxed{x+1}", "After much work: \\boxed{X + 1}."),
    ("First 3, then 9. The answer is 12", "3 and 9 make the answer: 12."),
    ("It costs 1,200 euros", "1200"),
    ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}'),
    ("Paris", "paris"),
]
DIFFERENT = [
    ("42", "41"),
    ("the answer is yes", "the answer is no"),
    ('{"a": 1}', '{"a": 2}'),
    ("Paris", "London"),
    ("It is 12 because we count", "It is 13 because we count"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_conclusion_agrees(one: str, other: str) -> None:
    assert agreement(answer(one), answer(other)) == 1.0


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_another_conclusion_does_not(one: str, other: str) -> None:
    assert agreement(answer(one), answer(other)) == 0.0


def test_prose_agrees_as_far_as_its_words_do() -> None:
    one = "The cat sat on the mat and looked out of the window for a very long time indeed"
    other = one.replace("cat", "dog")

    assert 0.8 < agreement(answer(one), answer(other)) < 1


def test_tool_calls_agree_by_name_and_arguments() -> None:
    assert agreement(called("f", '{"a": 1}'), called("f", '{"a":1}')) == 1
    assert agreement(called("f", '{"a": 1}'), called("g", '{"a": 1}')) == 0
    assert agreement(called("f", "{}"), answer("done")) == 0


@given(st.text(max_size=300), st.text(max_size=300))
def test_agreement_is_between_0_and_1_and_symmetric(one: str, other: str) -> None:
    found = agreement(answer(one), answer(other))

    assert 0 <= found <= 1
    assert found == agreement(answer(other), answer(one))


@given(st.text(min_size=1, max_size=300))
def test_an_answer_agrees_with_itself(text: str) -> None:
    if any(character.isalnum() for character in text):
        assert agreement(answer(text), answer(text)) == 1
