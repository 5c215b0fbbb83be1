"""Port to a model provider: the call, the completion, the errors.

An adapter turns one `ChatCall` into one HTTP exchange with one endpoint. It never retries, chooses
or prices: these decisions are made above it. Every failure is a `ProviderError` with the class that
the fallback rules use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol
from urllib.parse import urlsplit

from schemas.errors import SluiceError
from schemas.gateway.native_body import NativeBody
from schemas.records import CountedUsage


class ErrorClass(StrEnum):
    """Cause of a failed call, as far as the next step depends on it."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    RATE_LIMITED = "rate_limited"
    SERVER = "server"
    OVERLOADED = "overloaded"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    """Refused for a reason that may be specific to this model."""
    INVALID_REQUEST = "invalid_request"
    """Refused for a fault of the request itself: no model would accept it."""
    BAD_RESPONSE = "bad_response"
    ADAPTER_FAULT = "adapter_fault"
    """The adapter raised an unexpected error; it is independent of the provider."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Limits of one call, in seconds; `total` bounds connect, write and read together."""

    connect: float = 5.0
    read: float = 60.0
    total: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An endpoint of a model; the key is read from the environment by name, for each call."""

    name: str
    base_url: str
    api_key_env: str | None = None
    api_version: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Return the host of the endpoint, to which keys are bound."""
        return urlsplit(self.base_url).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallDelta:
    """A part of a tool call. `index` is the call's place in the message's `tool_calls`. `call_id`
    and `name` come with the first part of a call and are those of the message; `arguments` is the
    next part of its JSON text.
    """

    index: int
    call_id: str | None
    name: str | None
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerDelta:
    """A part of an answer as it arrives; parts are not empty.

    The parts of `content` and those of a tool call's `arguments` join to a prefix of the message's.
    The message's last part may come without a delta: a code fence that the adapter removes, a
    refusal, empty arguments. `reasoning` is the text of the vendor's thinking. `thinking_signature`
    ends a thinking block: the reasoning since the last signature is the block's whole text.
    (`reasoning_content` of the message joins blocks with an empty line.)
    """

    content: str = ""
    reasoning: str = ""
    thinking_signature: str = ""
    tool_call: ToolCallDelta | None = None


DeltaSink = Callable[[AnswerDelta], None]
"""Receives the parts of an answer, in order. It must not block and not raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCall:
    """One call of one model.

    `body` is an OpenAI chat-completions body as the request contract accepted it (`messages`,
    `tools`, `response_format`, `stop`, `seed`, ...), without `model`, `stream` and `n`, and with
    `extra_body` under its own name. `call_id` is sent as `X-Client-Request-Id`, for comparison with
    the provider's records; `trace_headers` are sent unchanged, if the operator shares traces with
    providers. `unsupported` names the parameters that this model refuses; the adapter drops them.

    With `on_delta` the adapter requests a stream and passes each part on as it arrives; the
    completion is that of an unstreamed call. A provider that answers without a stream causes no
    delta. `native` is the request in a vendor's own format: an adapter of its dialect sends it
    instead of `body`.
    """

    call_id: str
    model: str
    body: Mapping[str, Any]
    timeouts: Timeouts
    max_output_tokens: int | None = None
    trace_headers: Mapping[str, str] = field(default_factory=dict)
    unsupported: frozenset[str] = frozenset()
    on_delta: DeltaSink | None = None
    native: NativeBody | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(CountedUsage):
    """Usage counted by the provider. `unknown` names reported fields without a known price; with
    one of them the cost is unknown.
    """

    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Answer of a model.

    `message` is an OpenAI assistant message (`role`, `content`, `tool_calls`, `refusal`) with its
    reasoning (`reasoning_content`, `thinking_blocks`, `extra_content`, ...). `finish_reason` is one
    of `stop`, `length`, `tool_calls`, `content_filter`. `logprobs` are the natural-log
    probabilities of the answer's tokens, in order, if available, and `token_logprobs` the same in
    OpenAI's form, as JSON. `stop_sequence` is the one that ended the answer, if the provider names
    it.
    """

    message: dict[str, Any]
    finish_reason: str
    usage: Usage
    response_model: str | None = None
    response_id: str | None = None
    logprobs: tuple[float, ...] | None = None
    token_logprobs: str | None = None
    stop_sequence: str | None = None


class ProviderError(SluiceError):
    """Failure of a provider call.

    `retry_after_s` is the pause requested by the provider in seconds, if any. `usage` is the
    reported usage of a failed call (a content filter after the answer). `sent` is False if nothing
    left this process, so nothing can be billed. `unsupported` names the parameter that the model
    refused, if its refusal named one; `parameter` is the field of the request that a refusal named,
    a path such as `messages[0].content`. The provider chose its text.
    """

    def __init__(
        self,
        error_class: ErrorClass,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        usage: Usage | None = None,
        sent: bool = True,
        unsupported: str | None = None,
        parameter: str | None = None,
    ) -> None:
        super().__init__(message)
        self.error_class = error_class
        self.status = status
        self.retry_after_s = retry_after_s
        self.usage = usage
        self.sent = sent
        self.unsupported = unsupported
        self.parameter = parameter


class Provider(Protocol):
    """A wire format. One object serves every endpoint and keeps the pooled connections."""

    name: str

    async def complete(self, call: ChatCall, endpoint: Endpoint) -> Completion:
        """Make one call.

        Raises:
            ProviderError: for every failure, with its class.
        """
        ...

    async def close(self) -> None:
        """Close the pooled connections."""
        ...
