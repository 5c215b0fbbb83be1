"""Hard checks find clear faults, accept good and short answers, and never raise."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.routing.confidence.checks import CHECKS, faults

QUESTION = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
}


def _found(message: Mapping[str, Any], finish: str = "stop", **body: Any) -> list[str]:
    answer = {"role": "assistant", "content": None, **message}
    return [fault.check for fault in faults({**QUESTION, **body}, answer, finish)]


def _faults_of(text: str, finish: str = "stop", **body: Any) -> list[str]:
    return _found({"content": text}, finish, **body)


def _call(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"id": "call_1", "type": "function", "function": function}]}


def _tool(name: str, parameters: Any = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def _shaped(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


@pytest.mark.parametrize("text", ["Paris", "42", "Yes.", "Non"])
def test_a_short_right_answer_has_no_fault(text: str) -> None:
    assert _faults_of(text) == []


@pytest.mark.parametrize("content", [None, "", " \n\t", [], [{"type": "text", "text": " "}]])
def test_an_empty_answer_is_a_fault(content: Any) -> None:
    assert _found({"content": content}) == ["empty"]


def test_a_tool_call_needs_no_words_beside_it() -> None:
    assert _found(_call("weather", "{}"), "tool_calls", tools=[_tool("weather")]) == []


def test_only_an_answer_that_met_its_limit_is_cut_off() -> None:
    assert _faults_of("The capital of France is", "length") == ["truncated"]
    assert _faults_of("The capital of France is") == []


def test_a_refusal_reported_by_the_provider_counts() -> None:
    assert _found({"content": "Paris", "refusal": "No."}) == ["refusal"]
    assert _faults_of("Paris", "content_filter") == ["refusal"]


@pytest.mark.parametrize(
    "text",
    ["The capital of France is Paris.\n" * 6, "and then we go on to say " * 20],
    ids=["lines", "words"],
)
def test_a_repetitive_answer_is_a_fault(text: str) -> None:
    assert _faults_of(text) == ["repetition"]


@pytest.mark.parametrize(
    "text",
    [
        "The capital of France is Paris.\n" * 5,
        "ha ha ha ha ha",
        "}\n" * 30,
        " ".join(f"step {number} adds {number * 7} more" for number in range(60)),
    ],
    ids=["few", "short", "braces", "list"],
)
def test_lists_and_refrains_are_no_repetition(text: str) -> None:
    assert _faults_of(text) == []


@pytest.mark.parametrize("text", ['{"a": 1}', "{}", ' {"a": [1, 2]}\n'])
def test_a_requested_json_object_has_no_fault(text: str) -> None:
    assert _faults_of(text, response_format={"type": "json_object"}) == []


@pytest.mark.parametrize("text", ["Paris", '{"a": 1', "[1]", "3", 'Here: {"a": 1}'])
def test_an_answer_that_is_no_json_object_is_a_fault(text: str) -> None:
    assert _faults_of(text, response_format={"type": "json_object"}) == ["json_schema"]
    assert _faults_of(text, response_format={"type": "text"}) == []


def test_an_answer_is_validated_against_its_schema() -> None:
    wanted = _shaped(CITY)

    assert _faults_of('{"city": "Paris", "days": 3}', response_format=wanted) == []
    assert _faults_of('{"days": 3}', response_format=wanted) == ["json_schema"]
    assert _faults_of('{"city": "Paris", "days": "3"}', response_format=wanted) == ["json_schema"]
    assert _faults_of("Paris", response_format=_shaped(None)) == ["json_schema"]


def test_a_schema_fault_names_the_path_and_quotes_nothing() -> None:
    body = {**QUESTION, "response_format": _shaped(CITY)}
    message = {"role": "assistant", "content": '{"city": "Paris", "days": "secret"}'}

    assert [fault.what for fault in faults(body, message, "stop")] == ["days breaks `type`"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5},
        {"type": "nonsense"},
        {"required": "city"},
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"$ref": "#/x", "x": 5},
        {"$dynamicRef": "#nowhere"},
        {"$schema": 5},
        {"$schema": ["a"]},
        {"$schema": "http://json-schema.org/draft-04/schema#", "patternProperties": {"(": {}}},
        {"pattern": "("},
    ],
    ids=str,
)
def test_an_invalid_schema_yields_no_fault(schema: Any) -> None:
    assert _faults_of('{"city": "Paris"}', response_format=_shaped(schema)) == []
    assert _found(_call("weather", '{"a": 1}'), tools=[_tool("weather", schema)]) == []


def test_an_unknown_dialect_is_read_as_the_latest() -> None:
    schema = {**CITY, "$schema": "https://example.org/of-our-own"}

    assert _faults_of('{"city": 5}', response_format=_shaped(schema)) == ["json_schema"]


def test_a_schema_is_never_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"
        for named in ("$ref", "$schema", "$id", "$dynamicRef"):
            assert _faults_of("{}", response_format=_shaped({named: address})) == []
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("arguments", ['{"city": "Paris"}', '{"city": "Paris", "days": 2}'])
def test_right_tool_arguments_pass(arguments: str) -> None:
    assert _found(_call("weather", arguments), tools=[_tool("weather", CITY)]) == []


def test_a_tool_may_be_called_before_the_json_is_given() -> None:
    called = _call("weather", "{}")

    assert _found(called, tools=[_tool("weather")], response_format=_shaped(CITY)) == []


@pytest.mark.parametrize("arguments", ["", "{}", "Paris", '{"city": 5}', '["Paris"]'])
def test_wrong_tool_arguments_are_a_fault(arguments: str) -> None:
    assert _found(_call("weather", arguments), tools=[_tool("weather", CITY)]) == ["tool_arguments"]


def test_a_tool_that_was_not_offered_must_not_be_called() -> None:
    assert _found(_call("delete", "{}"), tools=[_tool("weather")]) == ["tool_arguments"]
    assert _found(_call("delete", "{}")) == ["tool_arguments"]


NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("choice", "words", "weather", "other"),
    [
        (None, True, True, True),
        ("auto", True, True, True),
        ("none", True, False, False),
        ("required", False, True, True),
        (NAMED, False, True, False),
    ],
)
def test_the_callers_choice_of_tools_is_kept(
    choice: Any, words: bool, weather: bool, other: bool
) -> None:
    body = {"tools": [_tool("weather"), _tool("news")], "tool_choice": choice}

    assert (_faults_of("It is sunny.", **body) == []) is words
    assert (_found(_call("weather", "{}"), **body) == []) is weather
    assert (_found(_call("news", "{}"), **body) == []) is other


CALLS = st.lists(
    st.builds(_call, st.sampled_from(["weather", "x"]), st.text()).map(lambda m: m["tool_calls"][0])
)
FORMATS = st.sampled_from([None, {"type": "json_object"}, _shaped(CITY), _shaped(None)])


@given(
    content=st.none() | st.text(),
    calls=CALLS,
    finish=st.sampled_from(["stop", "length", "tool_calls", "content_filter"]),
    wanted=FORMATS,
)
def test_no_message_of_text_makes_a_check_raise(
    content: str | None, calls: list[Any], finish: str, wanted: Any
) -> None:
    message = {"content": content, "tool_calls": calls}
    found = _found(message, finish, response_format=wanted, tools=[_tool("weather", CITY)])

    assert found == [name for name in CHECKS if name in found]


@given(st.dictionaries(st.text(max_size=9), st.integers(-(2**53), 2**53)))
def test_every_json_object_passes_where_one_was_asked_for(value: dict[str, int]) -> None:
    text = orjson.dumps(value).decode()

    assert "json_schema" not in _faults_of(text, response_format={"type": "json_object"})
