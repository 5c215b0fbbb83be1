"""The operations of the gateway's HTTP API. A new endpoint is one entry of `OPERATIONS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OPENAI_ERROR, ANTHROPIC_ERROR = "OpenAIError", "AnthropicError"

_ALWAYS = (401, 403, 500)
"""Errors of every operation with a key."""

_OF_BODIES = (400, 408, 413, 415)
_OF_COMPLETIONS = (*_OF_BODIES, 404, 409, 429, 502, 503, 504)
_OVERLOADED = 529


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. Schemas are names of components.

    `request` is the schema of the body, `answer` that of the answer with status `status`, `event`
    that of the data of one server-sent event, where a stream is asked for. `errors` are its
    statuses without those of all operations. `told` is whether the answer's headers say how it came
    about.
    """

    method: Literal["get", "post"]
    path: str
    name: str
    summary: str
    answer: str
    status: int = 200
    request: str | None = None
    event: str | None = None
    error: str = OPENAI_ERROR
    errors: tuple[int, ...] = ()
    told: bool = False
    parameters: tuple[str, ...] = ()
    is_open: bool = False

    @property
    def statuses(self) -> tuple[int, ...]:
        """Return the statuses of its errors, ascending."""
        return tuple(sorted({*self.errors, *(() if self.is_open else _ALWAYS)}))


OPERATIONS = (
    Operation(
        method="post",
        path="/v1/chat/completions",
        name="createChatCompletion",
        summary="OpenAI's chat completions, plain and as a stream",
        request="ChatRequest",
        answer="ChatCompletion",
        event="ChatCompletionChunk",
        errors=_OF_COMPLETIONS,
        told=True,
        parameters=("IdempotencyKey",),
    ),
    Operation(
        method="post",
        path="/v1/responses",
        name="createResponse",
        summary="OpenAI's responses, plain, as a stream, and in the background",
        request="ResponseRequest",
        answer="Response",
        event="ResponseEvent",
        errors=_OF_COMPLETIONS,
        told=True,
        parameters=("IdempotencyKey",),
    ),
    Operation(
        method="get",
        path="/v1/responses/{id}",
        name="getResponse",
        summary="A response of the last day, or its events",
        answer="Response",
        event="ResponseEvent",
        errors=(400, 404, 429, 503),
        parameters=("ResponseId", "ResponseStream", "StartingAfter"),
    ),
    Operation(
        method="post",
        path="/v1/responses/{id}/cancel",
        name="cancelResponse",
        summary="Cancels a response in the background",
        answer="Response",
        errors=(400, 404, 429, 503),
        parameters=("ResponseId",),
    ),
    Operation(
        method="post",
        path="/v1/messages",
        name="createMessage",
        summary="Anthropic's messages, plain and as a stream",
        request="MessagesRequest",
        answer="Message",
        event="MessageEvent",
        error=ANTHROPIC_ERROR,
        errors=(*_OF_COMPLETIONS, _OVERLOADED),
        told=True,
        parameters=("IdempotencyKey", "AnthropicVersion"),
    ),
    Operation(
        method="post",
        path="/v1/messages/count_tokens",
        name="countTokens",
        summary="An estimate of the input tokens; no provider is asked",
        request="CountRequest",
        answer="TokenCount",
        error=ANTHROPIC_ERROR,
        errors=(*_OF_BODIES, 404, 429, 503),
        parameters=("AnthropicVersion",),
    ),
    Operation(
        method="get",
        path="/v1/models",
        name="listModels",
        summary="The names that a request may use; in Anthropic's form with `anthropic-version`",
        answer="ModelList",
        errors=(503,),
        parameters=("AnthropicVersion",),
    ),
    Operation(
        method="get",
        path="/v1/models/{model}",
        name="getModel",
        summary="One of these names, or a name that an alias maps",
        answer="Model",
        errors=(404, 503),
        parameters=("AnthropicVersion", "ModelName"),
    ),
    Operation(
        method="post",
        path="/v1/feedback",
        name="createFeedback",
        summary="A rating of an answer; it is applied later",
        request="Feedback",
        answer="FeedbackAccepted",
        status=202,
        errors=(*_OF_BODIES, 503),
    ),
    Operation(
        method="get",
        path="/openapi.json",
        name="getOpenApi",
        summary="This document",
        answer="OpenApiDocument",
        is_open=True,
    ),
)
