"""Google gets schemas in its own subset, and they accept all that the caller's schema accepts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.providers.answer_fields import encode
from streams.providers.openai.adapter import _dialect
from streams.providers.openai.request import Dialect, request_body
from streams.providers.port import ChatCall, Endpoint, Timeouts
from streams.providers.tools.gemini_schemas import gemini_schema

SUBSET = {
    "type", "format", "title", "description", "nullable", "default", "items", "minItems",
    "maxItems", "enum", "properties", "required", "minProperties", "maxProperties", "minLength",
    "maxLength", "pattern", "minimum", "maximum", "anyOf",
}  # fmt: skip


def _inner(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for each in schema.get("properties", {}).values():
        yield from _inner(each)
    for each in schema.get("anyOf", ()):
        yield from _inner(each)
    if isinstance(schema.get("items"), dict):
        yield from _inner(schema["items"])


@pytest.mark.parametrize(
    ("schema", "rewritten"),
    [
        ({"type": "string", "$schema": "x", "examples": ["a"]}, {"type": "string"}),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"type": ["string", "integer"]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"const": 3, "type": "integer"}, {"type": "integer"}),
        ({"enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "integer"}),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 0}),
        ({"type": "string", "format": "uuid"}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        (
            {"type": "array", "prefixItems": [{"type": "string"}]},
            {"type": "array", "items": {}},
        ),
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
            {"type": "string", "nullable": True, "description": "d"},
        ),
        (
            {"description": "d", "default": 1, "anyOf": [{"type": "string"}, {"type": "integer"}]},
            {"description": "d", "anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"$ref": "#/$defs/a~1b"}},
                "required": ["a", "gone"],
                "$defs": {"a/b": {"type": "integer"}},
            },
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}, "required": ["b"]},
                ]
            },
            {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
                "required": ["a", "b"],
            },
        ),
    ],
)
def test_constructs_that_google_rejects_are_rewritten(
    schema: dict[str, Any], rewritten: dict[str, Any]
) -> None:
    assert gemini_schema(schema) == rewritten


_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4))
_WORDS = st.sampled_from(
    [*sorted(SUBSET), "$ref", "$defs", "allOf", "oneOf", "const", "not", "additionalProperties"]
)
_VALUES = st.recursive(
    st.one_of(_LEAVES, st.sampled_from(["#", "#/$defs/a", "object", "array", "null", ["null"]])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(_WORDS, inner, max_size=4),
        st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    ),
    max_leaves=20,
)


@settings(max_examples=500)
@given(st.dictionaries(_WORDS, _VALUES, max_size=6))
def test_any_schema_becomes_one_of_the_subset(schema: dict[str, Any]) -> None:
    for each in _inner(gemini_schema(schema)):
        assert set(each) <= SUBSET
        assert each.get("type") is None or isinstance(each["type"], str)
        if "anyOf" in each:
            assert set(each) <= {"anyOf", "title", "description"}


def test_a_schema_that_refers_to_itself_ends() -> None:
    both = {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}}
    assert len(orjson.dumps(gemini_schema(both))) < 2_000_000


@pytest.mark.parametrize(
    ("base_url", "dialect"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/openai", Dialect.GOOGLE),
        ("https://europe-west4-aiplatform.googleapis.com/v1", Dialect.GOOGLE),
        ("https://api.openai.com/v1", Dialect.OPENAI),
        ("https://mine.openai.azure.com", Dialect.OPENAI),
        ("https://openrouter.ai/api/v1", Dialect.COMPATIBLE),
        ("https://googleapis.com.example.org/v1", Dialect.COMPATIBLE),
    ],
)
def test_the_host_determines_the_dialect(base_url: str, dialect: Dialect) -> None:
    endpoint = Endpoint(name="one", base_url=base_url)
    assert _dialect(endpoint.host, endpoint) is dialect


def _sent(**body: Any) -> dict[str, Any]:
    call = ChatCall(
        call_id="c",
        model="gemini-3-pro",
        body={"messages": [{"role": "user", "content": "Hi"}], **body},
        timeouts=Timeouts(),
    )
    sent: dict[str, Any] = orjson.loads(encode(request_body(call, Dialect.GOOGLE)))
    return sent


def test_tools_and_the_form_of_the_answer_are_rewritten() -> None:
    schema = {"type": "object", "properties": {"a": {"const": "x"}}, "additionalProperties": False}
    plain = {"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}}
    function = {"name": "f", "description": "d", "strict": True, "parameters": schema}
    form = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}
    sent = _sent(tools=[{"type": "function", "function": function}], response_format=form)
    assert sent["tools"][0]["function"] == {"name": "f", "description": "d", "parameters": plain}
    assert sent["response_format"]["json_schema"] == {
        "name": "n",
        "strict": True,
        "schema": plain,
    }


def test_a_tool_without_arguments_has_no_parameters() -> None:
    function = {"name": "f", "parameters": {"type": "object", "properties": {}}}
    sent = _sent(tools=[{"type": "function", "function": function}])
    assert sent["tools"] == [{"type": "function", "function": {"name": "f"}}]
