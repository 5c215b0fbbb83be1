"""An answer is ungrounded only in clear cases."""

from __future__ import annotations

from typing import Any

import pytest

from streams.routing.confidence.checks import faults

CONTEXT = (
    "Context: The Halden bridge was opened on 14 May 1923 by mayor Ingrid Solberg. It is 412 "
    "metres long, carries two tracks of the northern railway and one road, and was repainted in "
    "1987 after the storm that had damaged its eastern pier. Its engineer was Pieter Vos from "
    "Rotterdam."
)
QUESTION = "Who opened the bridge, and when?"
INVENTED = (
    "It was opened by the engineer Gustav Lindqvist together with King Oscar in the summer of "
    "1931, at a cost of 2,500,000 crowns."
)


def found(answer: str, *, question: str = QUESTION, context: str = CONTEXT) -> list[str]:
    body = {"messages": [{"role": "user", "content": f"{context}\n\n{question}"}]}
    message: dict[str, Any] = {"role": "assistant", "content": answer}
    return [fault.check for fault in faults(body, message, "stop")]


def test_names_and_numbers_missing_from_the_context_are_a_fault() -> None:
    assert found(INVENTED) == ["grounding"]


@pytest.mark.parametrize(
    "answer",
    [
        "It was opened by mayor Ingrid Solberg on 14 May 1923.",
        "Mayor Solberg opened it in 1923; the engineer was Pieter Vos.",
        "Paris",
        "The context does not say so.",
        "In 1923, by Ingrid Solberg, the mayor of the town at the time.",
        "It was opened in spring, with great festivities, by the mayor of the town.",
    ],
)
def test_names_and_numbers_of_the_context_are_no_fault(answer: str) -> None:
    assert found(answer) == []


def test_one_new_name_is_not_enough() -> None:
    assert found("It was opened by mayor Ingrid Solberg, says the Gazette.") == []


@pytest.mark.parametrize(
    "question",
    ["Calculate its length in feet.", "Write a story about it.", "Compare it with other bridges."],
)
def test_a_request_for_new_content_is_not_checked(question: str) -> None:
    assert found(INVENTED, question=question) == []


def test_without_a_context_there_is_no_fault() -> None:
    assert found(INVENTED, context="") == []
    assert found(INVENTED, context=CONTEXT.removeprefix("Context: ")) == []


def test_an_answer_in_another_language_is_not_compared() -> None:
    german = (
        "Die Brücke wurde von dem Ingenieur Gustav Lindqvist und dem König Oskar im Sommer 1931 "
        "eröffnet, und sie hat damals 2.500.000 Kronen gekostet."
    )
    assert "grounding" not in found(german)
