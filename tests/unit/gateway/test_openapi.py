"""The OpenAPI document is valid, complete, and what the endpoints answer is as it says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.routing import Route

from streams.gateway.application import gateway_application
from streams.gateway.openapi.document import openapi_document
from streams.gateway.openapi.operations import OPERATIONS
from tests.unit.gateway.world import CHAT, HELLO, GatewayWorld, failed

DOCUMENT: dict[str, Any] = orjson.loads(openapi_document())
MESSAGES, VERSION = "/v1/messages", {"anthropic-version": "2023-06-01"}
MESSAGE = {**HELLO, "max_tokens": 50}
REFUSED_BY_NAME = ("Unrecognized request argument", "Extra inputs", "unknown field")
RESPONSES, QUESTION = "/v1/responses", {"model": "auto", "input": "Hello"}
FEEDBACK = {"request_id": "r0", "score": 1.0}


def check(name: str, document: Any) -> None:
    """Validate a document by a schema of the components."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(document)


def asked(
    method: str, path: str, body: Any = None, world: GatewayWorld | None = None, **headers: str
) -> httpx.Response:
    async def scenario() -> httpx.Response:
        async with (world or GatewayWorld()).client() as client:
            return await client.request(method, path, json=body, headers=headers)

    return asyncio.run(scenario())


def test_the_document_is_valid_and_served_without_a_key() -> None:
    answer = asked("GET", "/openapi.json", world=GatewayWorld(is_open=False, has_registry=False))
    assert answer.status_code == 200
    assert answer.json() == DOCUMENT
    validate(DOCUMENT)


def test_every_route_is_in_the_document() -> None:
    async def routes() -> set[tuple[str, str]]:
        async with GatewayWorld().context() as context:
            return {
                (method.lower(), route.path.replace(":path", ""))
                for route in gateway_application(context).routes
                if isinstance(route, Route)
                for method in route.methods or ()
                if method != "HEAD"
            }

    assert asyncio.run(routes()) == {(each.method, each.path) for each in OPERATIONS}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "schema"),
    [
        ("POST", CHAT, HELLO, {}, "ChatCompletion"),
        ("POST", MESSAGES, MESSAGE, {}, "Message"),
        ("POST", RESPONSES, QUESTION, {}, "Response"),
        ("POST", f"{MESSAGES}/count_tokens", HELLO, {}, "TokenCount"),
        ("GET", "/v1/models", None, {}, "ModelList"),
        ("GET", "/v1/models", None, VERSION, "ModelList"),
        ("GET", "/v1/models/auto", None, {}, "Model"),
        ("GET", "/v1/models/auto", None, VERSION, "Model"),
        ("POST", "/v1/feedback", FEEDBACK, {}, "FeedbackAccepted"),
        ("GET", "/openapi.json", None, {}, "OpenApiDocument"),
    ],
)
def test_an_answer_is_as_the_document_says(
    method: str, path: str, body: Any, headers: dict[str, str], schema: str
) -> None:
    answer = asked(method, path, body, **headers)
    check(schema, answer.json())
    (operation,) = (
        each
        for each in OPERATIONS
        if each.answer == schema and each.method == method.lower() and "cancel" not in each.path
    )
    assert answer.status_code == operation.status
    if operation.request is not None:
        check(operation.request, body)
    if operation.told:
        found = DOCUMENT["paths"][operation.path][operation.method]["responses"]["200"]["headers"]
        told = {name for name in answer.headers if name.startswith("x-sluice-")}
        assert told <= found.keys()
        assert "x-sluice-cost-usd" in told


@pytest.mark.parametrize(
    ("path", "code", "status", "schema"),
    [
        (CHAT, "all_models_failed", 502, "OpenAIError"),
        (MESSAGES, "no_capacity", 529, "AnthropicError"),
        (MESSAGES, "deadline_exceeded", 504, "AnthropicError"),
    ],
)
def test_an_error_is_as_the_document_says(path: str, code: str, status: int, schema: str) -> None:
    world = GatewayWorld(answering=lambda record: failed(record, code, retryable=True))
    answer = asked("POST", path, MESSAGE if path == MESSAGES else HELLO, world)
    check(schema, answer.json())
    found = DOCUMENT["paths"][path]["post"]["responses"][str(status)]
    assert answer.status_code == status
    assert found["content"]["application/json"]["schema"]["$ref"].endswith(schema)
    assert {"x-should-retry", "retry-after"} <= answer.headers.keys()


@pytest.mark.parametrize(
    ("path", "schema"),
    [(CHAT, "ChatCompletionChunk"), (MESSAGES, "MessageEvent"), (RESPONSES, "ResponseEvent")],
)
def test_each_event_of_a_stream_is_as_the_document_says(path: str, schema: str) -> None:
    answer = asked(
        "POST",
        path,
        {**(MESSAGE if path == MESSAGES else QUESTION), "stream": True}
        if path != CHAT
        else {**HELLO, "stream": True, "stream_options": {"include_usage": True}},
    )
    events = list(_events(answer.text))
    assert len(events) > 2
    for event in events:
        check(schema, event)


def _events(text: str) -> Iterator[Any]:
    for line in text.splitlines():
        data = line.removeprefix("data: ")
        if data not in {line, "[DONE]"}:
            yield orjson.loads(data)


@pytest.mark.parametrize(("path", "schema"), [(CHAT, "ChatRequest"), (MESSAGES, "MessagesRequest")])
def test_a_field_is_refused_by_name_unless_the_document_has_it(path: str, schema: str) -> None:
    names = DOCUMENT["components"]["schemas"][schema]["properties"]
    for name in ("tenant", "native", "nonsense"):
        assert name not in names
        answer = asked("POST", path, {**MESSAGE, name: "x"})
        assert (answer.status_code, name in answer.text) == (400, True)
    for name in names.keys() - {"model", "messages"}:
        said = asked("POST", path, {**MESSAGE, name: "x"}).text
        assert not any(words in said for words in REFUSED_BY_NAME), said
