"""Features of a request: its question, its sizes and its requirements, for any valid body."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.request import read_request
from streams.routing.features.request_features import (
    Features,
    estimate_tokens,
    extract_features,
    needs_of,
    question_of,
    text_of,
)
from streams.routing.features.token_estimate import text_tokens
from streams.routing.snapshot import CAPABILITIES, JSON, LOGPROBS, TOOLS, VISION

IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def _called(arguments: str) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    call = {"id": "call_1", "type": "function", "function": function}
    return _message("assistant", None, tool_calls=[call])


def _body(*contents: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [_message("user", content) for content in contents], **more}


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
    messages = [
        _message("system", "Be brief."),
        _message("user", "first"),
        _message("assistant", "answer"),
        _message("user", "second"),
        _called("{}"),
        _message("tool", "sunny", tool_call_id="call_1"),
    ]

    assert question_of(messages) == "second"
    assert extract_features({"messages": messages}).turns == 2


def test_without_a_user_turn_the_last_message_is_the_question() -> None:
    assert question_of([_message("system", "one"), _message("developer", "two")]) == "two"
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
        "class Parcel:\n    total = 0",
        "class Parcel(Box): pass",
        "public class Parcel {",
        "function add(a, b) { return a + b }",
        "func (p *Parcel) Total() int",
        "import numpy as np",
        "const total = 0",
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
    [
        "Which classes do I take?",
        "Which class does she teach?",
        "In my class today: maths.",
        "What function does the liver have?",
        "The function (see below) is to {",
        "{",
        "Does the country import oil?",
        '{\n  "order": {\n    "lines": 3\n  }\n}',
        "I define it.",
        "Select one from these.",
        "the {name} field",
        "",
    ],
)
def test_prose_is_not_taken_for_code(question: str) -> None:
    assert not _seen(question).has_code


def test_code_is_looked_for_on_the_first_page_only() -> None:
    assert not _seen("word " * 2_000 + "```").has_code


def test_lines_of_code_are_counted_where_there_is_code() -> None:
    assert _seen("Why is this slow?\n```\na\nb\n```\nIt was not.\n").code_lines == 3
    assert _seen("def add(a, b):\n    return a + b").code_lines == 2
    assert _seen("one\ntwo\nthree").code_lines == 0


def test_what_a_body_needs_of_a_model() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "a"}}

    assert needs_of(_body("hi")) == frozenset()
    assert needs_of(_body("hi", tools=[TOOL])) == {TOOLS}
    assert needs_of(_body("hi", response_format={"type": "json_object"})) == {JSON}
    assert needs_of(_body("hi", response_format=schema)) == {JSON}
    assert needs_of(_body("hi", response_format={"type": "text"})) == frozenset()
    assert needs_of(_body("hi", logprobs=True)) == {LOGPROBS}
    assert needs_of(_body("hi", top_logprobs=3)) == {LOGPROBS}
    assert needs_of(_body("hi", logprobs=False, top_logprobs=None)) == frozenset()
    assert needs_of(_body([_text("hi"), IMAGE])) == {VISION}
    assert needs_of(_body([IMAGE], "and now?")) == {VISION}
    assert needs_of(_body([IMAGE], tools=[TOOL], response_format=schema)) == {TOOLS, VISION, JSON}


def test_four_characters_are_a_token_and_a_message_has_four_more() -> None:
    assert estimate_tokens(_body("x" * 400)) == 104
    assert estimate_tokens(_body("x" * 400, [_text("y" * 40), _text("z" * 38)])) == 128


@pytest.mark.parametrize(
    ("text", "characters_a_token"),
    [
        ("How do I return a parcel?", 4),
        ("Как вернуть посылку?", 2),
        ("كيف أعيد الطرد؟", 2),
        ("Πώς επιστρέφω το δέμα;", 2),
        ("我怎样退回损坏的包裹？", 1),
        ("荷物を返品するにはどうすればよいですか。", 1),
        ("택배를어떻게반품하나요", 1),
        ("ส่งพัสดุคืนอย่างไร", 1),
        ("📦🙏", 0.5),
    ],
)
def test_other_scripts_take_more_tokens(text: str, characters_a_token: float) -> None:
    long_text = text * 20

    assert len(long_text) / characters_a_token == pytest.approx(text_tokens(long_text), rel=0.25)


def test_a_few_accents_change_little() -> None:
    english = "Wir koennen das Paket morgen zurueckschicken, wenn es nicht passt. " * 10
    accents = english.replace("oe", "ö").replace("ue", "ü")

    assert text_tokens(accents) == pytest.approx(text_tokens(english), rel=0.05)


def test_the_schema_of_the_answer_counts() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "description": "d" * 400}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    with_schema = extract_features(_body("x" * 40, response_format=wanted))

    assert 100 < with_schema.context_tokens - estimate_tokens(_body("x" * 40)) < 130
    assert with_schema.answer_fields == 2


def test_instructions_count_apart_from_the_question() -> None:
    messages = [
        _message("system", "Be brief."),
        _message("developer", [_text("No.")]),
        _message("user", "hi"),
    ]

    assert extract_features({"messages": messages}).instructions == 12


def test_a_tool_of_any_depth_has_a_size() -> None:
    deep: Any = {"description": "d" * 400}
    for _ in range(5_000):
        deep = {"x": [deep]}
    tool = {"type": "function", "function": {"name": "weather", "parameters": deep}}

    assert estimate_tokens(_body("x", tools=[tool])) > 5_000 // 4 + 100


def test_an_image_counts_as_eight_hundred_tokens() -> None:
    assert estimate_tokens(_body([_text("x" * 40), IMAGE, IMAGE])) == 10 + 4 + 1_600


def test_tools_and_tool_calls_count_by_their_text() -> None:
    alone = estimate_tokens(_body("x" * 40))
    described = {"type": "function", "function": {"name": "weather", "description": "d" * 400}}
    with_tools = estimate_tokens(_body("x" * 40, tools=[described]))
    called = {"messages": [_message("user", "x" * 40), _called("a" * 400)]}

    assert 100 < with_tools - alone < 120
    assert estimate_tokens(called) == alone + 100 + 4


def test_the_caller_s_fields_beside_the_body_are_features_unchanged() -> None:
    fields: dict[str, Any] = {
        "feature": "faq",
        "user_tier": "paid",
        "quality": "best",
        "retrieval_scores": (0.9, 0.2),
        "retrieval_query_type": "direct",
        "metadata": {"task": "faq"},
    }
    seen = extract_features(_body("hi", tools=[TOOL, TOOL]), **fields)

    assert {name: getattr(seen, name) for name in fields} == fields
    assert seen.tools == 2


PART = st.builds(_text, st.text()) | st.just(IMAGE)
CONTENT = st.text() | st.lists(PART, min_size=1, max_size=3)
MESSAGE = (
    st.builds(_message, st.sampled_from(["system", "developer", "user", "assistant"]), CONTENT)
    | st.builds(_message, st.just("tool"), CONTENT, tool_call_id=st.just("call_1"))
    | st.builds(_called, st.text())
    | st.builds(_message, st.just("assistant"), st.none(), refusal=st.text())
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
