"""Word problems are ordered by length, and words inside structured data are not the task."""

from __future__ import annotations

import json

import pytest

from streams.routing.features.request_features import extract_features
from streams.routing.policy import RetrievalPolicy
from streams.routing.rules.classifier import sluice_rules
from streams.routing.rules.structured import beside_structured_data

REASON = "quantities to reckon with (+0.16)"


def _rules(prompt: str) -> tuple[float, tuple[str, ...]]:
    body = {"messages": [{"role": "user", "content": prompt}]}
    result = sluice_rules(extract_features(body), RetrievalPolicy())
    return result.score, result.reasons


@pytest.mark.parametrize(
    "prompt",
    [
        "A bag holds two red and seven blue marbles. How many marbles are in three bags?",
        "Tom has 12 stamps and buys half as many again. How many stamps does he have?",
        "My uncle pays 4 euros for three pears and sells six. How much does he still have?",
        "Four friends ordered four pizzas for 64 dollars. How much does each of them pay?",
    ],
)
def test_quantities_in_words_count_where_an_amount_is_asked_for(prompt: str) -> None:
    assert REASON in _rules(prompt)[1]


@pytest.mark.parametrize(
    "prompt",
    [
        "The two of us meet at seven in the garden with three friends.",
        "How many stars are on the flag of Brazil?",
        "How much is the fee for my card?",
        "Two of my three orders are late. " + "The shop was very kind to us. " * 20
        + "How long does a delivery take?",
    ],
)  # fmt: skip
def test_few_numbers_for_the_length_or_no_asked_amount_is_no_word_problem(prompt: str) -> None:
    assert REASON not in _rules(prompt)[1]


def test_the_longer_of_two_word_problems_is_harder_whatever_it_names() -> None:
    short = "Ann has 5 apples and 6 pears. Calculate the sum of 5, 6, 7, 8 and 9."
    longer = "Ann has 5 apples and 6 pears, and her sister has as many as Ann. How many are there?"

    assert _rules(short)[0] < _rules(longer)[0]


def test_an_everyday_question_without_evidence_is_ordered_by_length() -> None:
    plain, asked = "Tell us of the river near Turin", "Where is the river that is near Turin"

    assert _rules(plain)[0] < _rules(asked)[0] < 0.16
    assert _rules("Is the risk high?")[0] < _rules("Look: the risk is high.")[0]


def _functions(count: int) -> str:
    return json.dumps(
        [
            {
                "name": f"calculate_integral_{number}",
                "description": "Prove and optimize the integral of a polynomial under load.",
                "parameters": {"type": "dict", "required": ["function"]},
            }
            for number in range(count)
        ]
    )


def test_words_in_structured_data_are_no_signals() -> None:
    _, reasons = _rules(f"{_functions(4)}\n\nWhat is the weather in Oslo and in Bergen?")

    assert not [each for each in reasons if "proof" in each or "mathematics" in each]


@pytest.mark.parametrize(("fewer", "more"), [(2, 4), (4, 9), (9, 30)])
def test_more_structured_data_is_harder(fewer: int, more: int) -> None:
    question = "What is the weather in Oslo and in Bergen?"

    assert (
        _rules(f"{_functions(fewer)}\n\n{question}")[0]
        < _rules(f"{_functions(more)}\n\nPlease: {question}")[0]
    )


def test_extraction_from_structured_data_stays_easy() -> None:
    assert _rules(f"Extract the name of the second function: {_functions(9)}")[0] < 0.16


def test_a_text_with_few_fields_or_without_brackets_is_no_structured_data() -> None:
    assert beside_structured_data('Is {"a": 1, "b": 2} valid JSON?') is None
    assert beside_structured_data('"a": 1, ' * 20) is None
    assert beside_structured_data('} "a": 1, ' * 20 + "{") is None
    assert beside_structured_data(f"before {_functions(3)} after") == "before \n after"
