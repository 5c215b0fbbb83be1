"""A rejected request gets an error in terms of its fields, not of the library."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from schemas.chat import RequestDocument
from schemas.errors import InvalidRequestError
from schemas.request import read_request

LIBRARY = ("should", "valid ", "Value error", "Field required", "pydantic", "literal[", "list[")
WRONG: tuple[Any, ...] = (5, -1, 1.5, True, "", "a b\n", "a" * 5000, [], [5], {}, {"a": 1}, 1e999)

MESSAGES = {
    "a number as prompt": ({"prompt": 5}, "prompt: expected text"),
    "an empty prompt": ({"prompt": ""}, "prompt: needs at least 1 character"),
    "an id with spaces": (
        {"prompt": "hi", "request_id": "a b"},
        "request_id: expected 1 to 128 letters, digits and . _ : -",
    ),
    "a role of nobody": (
        {"messages": [{"role": "robot", "content": "hi"}]},
        "messages.0.role: must be one of system, developer, user, assistant, tool",
    ),
    "no role": ({"messages": [{"content": "hi"}]}, "messages.0.role: is missing"),
    "metadata as a list": ({"prompt": "hi", "metadata": []}, "metadata: expected an object"),
    "an image by http": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "http://a/b.png"}}],
                }
            ]
        },
        "messages.0.content.0.image_url.url: expected a URL https://",
    ),
    "a part without its text": (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages.0.content.0.text: is missing",
    ),
    "a tool choice of nobody": (
        {"prompt": "hi", "tool_choice": {"type": "function", "colour": 1}},
        "tool_choice.function: is missing",
    ),
}


def _refusal(document: dict[str, Any]) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        read_request(document)
    return str(caught.value)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_fault_is_named_by_its_field(name: str) -> None:
    document, expected = MESSAGES[name]
    assert _refusal(document).startswith(expected)


def test_no_fault_uses_the_words_of_the_library() -> None:
    errors = []
    for field, value in product(RequestDocument.model_fields, WRONG):
        for document in (
            {"prompt": "hi", field: value},
            {"messages": [{"role": "user", field: value}]},
            {"messages": [{"role": "user", "content": [{"type": "text", field: value}]}]},
            {"prompt": "hi", "tools": [{"type": "function", "function": {field: value}}]},
        ):
            try:
                read_request(document)
            except InvalidRequestError as error:
                errors.append(str(error))
    assert len(errors) > 500
    assert [each for each in errors if any(word in each for word in LIBRARY)] == []
