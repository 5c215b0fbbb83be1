"""What is seen in a request: its question, its sizes and what it needs, for any valid body."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.request import read_request
from streams.routing.features import (
    Features,
    estimate_tokens,
    extract_features,
    needs_of,
    question_of,
    text_of,
)
from streams.routing.landscape import CAPABILITIES, JSON, TOOLS, VISION

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def _called(arguments: str) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    call = {"id": "call_1", "type": "function", "function": function}
    return _said("assistant", None, tool_calls=[call])


def _body(*contents: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [_said("user", content) for content in contents], **more}


def _seen(question: str) -> Features:
    return extract_features(_body(question))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Paris", "Paris"),
        ([_text("one"), IMAGE, _text("two")], "one\n\ntwo"),
        ([IMAGE], ""),
        ([{"type": "refusal", "refusal": "no"}], ""),
        (None, ""),
    ],
)
def test_the_text_of_a_message_is_its_text_parts(content: Any, text: str) -> None:
    assert text_of(content) == text


def test_the_question_is_the_last_turn_of_the_user() -> None:
    told = [
        _said("system", "Be brief."),
        _said("user", "first"),
        _said("assistant", "answer"),
        _said("user", "second"),
        _called("{}"),
        _said("tool", "sunny", tool_call_id="call_1"),
    ]

    assert question_of(told) == "second"
    assert extract_features({"messages": told}).turns == 2


def test_where_no_user_spoke_the_last_message_is_the_question() -> None:
    assert question_of([_said("system", "one"), _said("developer", "two")]) == "two"
    assert question_of([]) == ""


def test_the_sizes_are_those_of_the_question_alone() -> None:
    seen = extract_features(_body("a much longer turn before", "two  words\n"))

    assert (seen.words, seen.characters, seen.turns) == (2, 11, 2)


@pytest.mark.parametrize("count", [0, 1, 19, 20, 29, 30, 200, 201, 1_500])
@pytest.mark.parametrize("blank", [" ", "\n", "\t", "   ", "\u3000"])
def test_words_are_counted_whatever_divides_them(count: int, blank: str) -> None:
    assert _seen(blank.join(["wording"] * count)).words == count
    assert _seen(blank.join(["wording"] * count) + blank * 9_000).words == count


@pytest.mark.parametrize("blank", [" ", "\n", "\t", "   ", "\u3000"])
def test_a_very_long_text_has_very_many_words(blank: str) -> None:
    assert _seen(blank.join(["wording"] * 50_000)).words > 2_000
    assert _seen("x" * 50_000).words == 1


@pytest.mark.parametrize(
    "question",
    [
        "```\nx\n```",
        "def add(a, b):",
        "class Parcel has no total",
        "why does import os fail",
        "#include <stdio.h>",
        "SELECT name FROM users",
        "x => x + 1",
        "while (true) {\n}",
    ],
)
def test_code_is_seen(question: str) -> None:
    assert _seen(question).has_code


@pytest.mark.parametrize(
    "question",
    ["Which classes do I take?", "I define it.", "Select one from these.", "the {name} field", ""],
)
def test_prose_is_not_taken_for_code(question: str) -> None:
    assert not _seen(question).has_code


def test_code_is_looked_for_on_the_first_page_only() -> None:
    assert not _seen("word " * 2_000 + "```").has_code


def test_what_a_body_needs_of_a_model() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "a"}}

    assert needs_of(_body("hi")) == frozenset()
    assert needs_of(_body("hi", tools=[TOOL])) == {TOOLS}
    assert needs_of(_body("hi", response_format={"type": "json_object"})) == {JSON}
    assert needs_of(_body("hi", response_format=schema)) == {JSON}
    assert needs_of(_body("hi", response_format={"type": "text"})) == frozenset()
    assert needs_of(_body([_text("hi"), IMAGE])) == {VISION}
    assert needs_of(_body([IMAGE], "and now?")) == {VISION}
    assert needs_of(_body([IMAGE], tools=[TOOL], response_format=schema)) == {TOOLS, VISION, JSON}


def test_four_characters_are_a_token_and_a_message_has_four_more() -> None:
    assert estimate_tokens(_body("x" * 400)) == 104
    assert estimate_tokens(_body("x" * 400, [_text("y" * 40), _text("z" * 38)])) == 128


def test_an_image_counts_as_eight_hundred_tokens() -> None:
    assert estimate_tokens(_body([_text("x" * 40), IMAGE, IMAGE])) == 10 + 4 + 1_600


def test_tools_and_tool_calls_count_by_their_text() -> None:
    alone = estimate_tokens(_body("x" * 40))
    described = {"type": "function", "function": {"name": "weather", "description": "d" * 400}}
    with_tools = estimate_tokens(_body("x" * 40, tools=[described]))
    called = {"messages": [_said("user", "x" * 40), _called("a" * 400)]}

    assert 100 < with_tools - alone < 120
    assert estimate_tokens(called) == alone + 100 + 4


def test_what_the_caller_said_beside_the_body_goes_in_as_it_is() -> None:
    said: dict[str, Any] = {
        "feature": "faq",
        "user_tier": "paid",
        "quality": "best",
        "retrieval_scores": (0.9, 0.2),
        "retrieval_query_type": "direct",
    }
    seen = extract_features(_body("hi", tools=[TOOL, TOOL]), **said)

    assert {name: getattr(seen, name) for name in said} == said
    assert seen.tools == 2


PART = st.builds(_text, st.text()) | st.just(IMAGE)
CONTENT = st.text() | st.lists(PART, min_size=1, max_size=3)
MESSAGE = (
    st.builds(_said, st.sampled_from(["system", "developer", "user", "assistant"]), CONTENT)
    | st.builds(_said, st.just("tool"), CONTENT, tool_call_id=st.just("call_1"))
    | st.builds(_called, st.text())
    | st.builds(_said, st.just("assistant"), st.none(), refusal=st.text())
)
FORMAT = st.sampled_from([{"type": "text"}, {"type": "json_object"}])
BODY = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, min_size=1, max_size=5)},
    optional={"tools": st.just([TOOL]), "response_format": FORMAT},
)


@given(BODY)
def test_any_valid_body_has_features(document: dict[str, Any]) -> None:
    body = read_request(document).body
    seen = extract_features(body)

    assert seen.question == question_of(body["messages"])
    assert seen.words == len(seen.question.split())
    assert seen.characters == len(seen.question)
    assert seen.needs <= CAPABILITIES
    assert seen.context_tokens >= 4 * len(body["messages"])
    assert seen == extract_features(body)
