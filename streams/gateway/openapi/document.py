"""The OpenAPI document, from the operations and their schemas."""

from __future__ import annotations

from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import orjson

from streams.gateway.openapi.answers import answer_schemas
from streams.gateway.openapi.operations import OPERATIONS, Operation
from streams.gateway.openapi.requests import request_schemas
from streams.gateway.openapi.shapes import FLAG, TEXT, WHOLE, Schema, ref

_JSON, _EVENTS = "application/json", "text/event-stream"
_OVERLOADED = "Overloaded"
_TOLD = {
    "x-sluice-request-id": "For `sluice explain`, feedback and support.",
    "x-sluice-model": "The model that answered.",
    "x-sluice-provider": "Its provider.",
    "x-sluice-tier": "Its tier.",
    "x-sluice-tiers-tried": "Tiers that were called, comma-separated.",
    "x-sluice-cost-usd": "Cost of all calls, USD; `unknown` if a provider reported no usage.",
    "x-sluice-baseline-cost-usd": "Cost of the baseline model, USD.",
    "x-sluice-usage": "`unknown` if the provider reported no usage.",
    "x-sluice-degraded": "`true` for the best answer after a failure.",
    "x-sluice-latency-ms": "Time in the gateway and behind it.",
}
_ON_ERRORS = {
    "x-should-retry": "Whether a retry makes sense.",
    "retry-after": "Seconds until then.",
    "retry-after-ms": "The same in ms.",
}
_PARAMETERS: dict[str, Schema] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A retry with the same key and body is not paid twice, for 15 minutes.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "AnthropicVersion": {
        "name": "anthropic-version",
        "in": "header",
        "description": "Its presence asks for Anthropic's form of models and errors.",
        "schema": TEXT,
    },
    "ResponseId": {"name": "id", "in": "path", "required": True, "schema": TEXT},
    "ResponseStream": {"name": "stream", "in": "query", "schema": FLAG},
    "StartingAfter": {"name": "starting_after", "in": "query", "schema": WHOLE},
    "ModelName": {"name": "model", "in": "path", "required": True, "schema": TEXT},
}


@cache
def openapi_document() -> bytes:
    """Return the document as JSON."""
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Sluice",
                "version": version("sluice-router"),
                "description": "LLM gateway on Kafka with the endpoints of OpenAI and Anthropic.",
            },
            "security": [{"bearer": []}, {"apiKey": []}, {}],
            "paths": _paths(),
            "components": {
                "schemas": {**request_schemas(), **answer_schemas()},
                "parameters": _PARAMETERS,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                },
            },
        }
    )


def _paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in OPERATIONS:
        found.setdefault(each.path, {})[each.method] = _operation(each)
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {
            str(operation.status): _answer(operation),
            **{str(status): _error(operation, status) for status in operation.statuses},
        },
    }
    if operation.is_open:
        found["security"] = []
    if operation.parameters:
        found["parameters"] = [
            {"$ref": f"#/components/parameters/{name}"} for name in operation.parameters
        ]
    if operation.request is not None:
        content = {_JSON: {"schema": ref(operation.request)}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _answer(operation: Operation) -> dict[str, Any]:
    content: dict[str, Any] = {_JSON: {"schema": ref(operation.answer)}}
    if operation.event is not None:
        content[_EVENTS] = {"schema": ref(operation.event)}
    found = {"description": HTTPStatus(operation.status).phrase, "content": content}
    return {**found, "headers": _headers(_TOLD)} if operation.told else found


def _error(operation: Operation, status: int) -> dict[str, Any]:
    known = {each.value: each.phrase for each in HTTPStatus}
    return {
        "description": known.get(status, _OVERLOADED),
        "headers": _headers(_ON_ERRORS),
        "content": {_JSON: {"schema": ref(operation.error)}},
    }


def _headers(described: dict[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": TEXT} for name, text in described.items()}
