"""Request schema, validated by pydantic on arrival.

OpenAI's chat-completions body is accepted unchanged
(https://platform.openai.com/docs/api-reference/chat), with `prompt` as a shorthand and additional
Sluice fields (design, section 4). Other fields are rejected by name. Types are strict: `"100"` is
not a number and `1` is not a boolean. Models receive the validated value (`model_body`), never the
original document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from schemas.assistant_turn import (
    RedactedThinkingPart,
    RefusalPart,
    Strict,
    ThinkingPart,
    ToolCall,
    Word,
    without_empty_fields,
)
from schemas.identity import NAME, REQUEST_ID

MAX_DEADLINE_MS = 12 * 3600 * 1000

MAX_METADATA = 64
MAX_TOOLS = 128
MAX_CALLS = 1024
"""Most tool calls of one turn: the limit of an answer, since an answer is sent back as a turn."""
MAX_MESSAGES = 4096
MAX_PARTS = 1024

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]


class ImageUrl(Strict):
    """An image by URL; the URL is passed on and never fetched."""

    url: Annotated[str, StringConstraints(min_length=1, pattern=r"^(https://|data:image/)")]
    detail: Literal["auto", "low", "high"] | None = None


class TextPart(Strict):
    """A text part."""

    type: Literal["text"]
    text: str


class ImagePart(Strict):
    """An image part."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[
    TextPart | ImagePart | RefusalPart | ThinkingPart | RedactedThinkingPart,
    Field(discriminator="type"),
]

Content = str | Annotated[list[Part], Field(min_length=1, max_length=MAX_PARTS, fail_fast=True)]
"""Text, or parts. Validation stops at the first invalid part: errors cost a hundred times as much
as valid parts.
"""


class Message(Strict):
    """One turn of the conversation. An assistant turn may be an SDK's dump of an answer: its
    reasoning is kept, and its null and empty fields are accepted.
    """

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Content | None = None
    name: Word | None = None
    tool_calls: (
        Annotated[list[ToolCall], Field(min_length=1, max_length=MAX_CALLS, fail_fast=True)] | None
    ) = None
    tool_call_id: Word | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: Annotated[list[dict[str, Any]], Field(max_length=MAX_PARTS)] | None = None
    thinking_blocks: (
        Annotated[
            list[Annotated[ThinkingPart | RedactedThinkingPart, Field(discriminator="type")]],
            Field(max_length=MAX_PARTS, fail_fast=True),
        ]
        | None
    ) = None
    extra_content: dict[str, Any] | None = None
    annotations: list[Any] | None = Field(default=None, exclude=True)

    @model_validator(mode="before")
    @classmethod
    def _of_a_dump(cls, value: Any) -> Any:
        return without_empty_fields(value)

    @model_validator(mode="after")
    def _whole(self) -> Message:
        if self.role == "tool" and (self.tool_call_id is None or self.content is None):
            raise ValueError("a tool message requires tool_call_id and content")
        other = (self.tool_calls, self.refusal, self.reasoning_content, self.thinking_blocks)
        if self.content is None and all(each is None for each in other):
            raise ValueError("a message requires content")
        return self


class FunctionTool(Strict):
    """A function that the model may call."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Strict):
    """A tool; only functions are supported."""

    type: Literal["function"]
    function: FunctionTool


class ToolName(Strict):
    """The name of the function that must be called."""

    name: Word


class ToolChoice(Strict):
    """A named tool choice."""

    type: Literal["function"]
    function: ToolName


class JsonSchema(Strict):
    """The schema of the answer."""

    name: Word
    description: str | None = None
    json_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Strict):
    """Text, any JSON object, or JSON of a given schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _whole(self) -> ResponseFormat:
        if (self.type == "json_schema") != (self.json_schema is not None):
            raise ValueError(
                "json_schema is required with type json_schema, and not allowed otherwise"
            )
        return self


class Retrieval(Strict):
    """Results of the caller's retrieval: scores 0..1, best first, and the kind of question."""

    scores: Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(max_length=1000)] = Field(
        default_factory=list
    )
    query_type: Word | None = None


class NativePart(Strict):
    """The body in the vendor's own format (`schemas.gateway.native_body`), from gateways only."""

    dialect: Literal["openai-chat", "anthropic-messages"]
    body: dict[str, Any]
    required: bool = False


class ChatBody(Strict):
    """The part of a request that models receive."""

    messages: (
        Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)]
        | None
    ) = None
    tools: (
        Annotated[list[Tool], Field(min_length=1, max_length=MAX_TOOLS, fail_fast=True)] | None
    ) = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(ge=0, le=1)] | None = None
    stop: str | Annotated[list[str], Field(min_length=1, max_length=4)] | None = None
    seed: Seed | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: dict[str, int | float] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    prompt_cache_key: Word | None = None
    safety_identifier: Word | None = None
    service_tier: Word | None = None
    store: bool | None = None
    extra_body: dict[str, Any] | None = None
    native: NativePart | None = None


class RequestDocument(ChatBody):
    """A complete request."""

    prompt: Annotated[str, StringConstraints(min_length=1)] | None = None
    model: Word | None = None
    user: Word | None = None
    stream: Literal[False] | None = None
    n: Annotated[int, Field(ge=1, le=1)] | None = None

    request_id: Annotated[str, StringConstraints(pattern=f"^{REQUEST_ID.pattern}$")] | None = None
    user_id: Word | None = None
    user_tier: Name | None = None
    tenant: Name | None = None
    feature: Name | None = None
    quality: Literal["economy", "balanced", "best"] | None = None
    tier: Name | None = None
    retrieval: Retrieval | None = None
    deadline_ms: Annotated[int, Field(gt=0, le=MAX_DEADLINE_MS)] | None = None
    metadata: (
        Annotated[
            dict[Word, Annotated[str, StringConstraints(max_length=1024)]],
            Field(max_length=MAX_METADATA),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _one_question(self) -> RequestDocument:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("exactly one of prompt and messages is required")
        return self


PASSED_ON = frozenset(ChatBody.model_fields)
"""Fields that are sent to the model; all others are for Sluice."""

_PASSED_ON = set(PASSED_ON)


def model_body(checked: RequestDocument) -> dict[str, Any]:
    """Return the chat-completions body of a validated request."""
    body = {
        name: value
        for name, value in checked.model_dump(
            include=_PASSED_ON, by_alias=True, exclude_unset=True
        ).items()
        if value is not None
    }
    if checked.prompt is not None:
        body["messages"] = [{"role": "user", "content": checked.prompt}]
    else:
        body["messages"] = [_set_fields(message) for message in body["messages"]]
    return body


def _set_fields(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message without its null fields; keep `content`, which vendors require beside tool
    calls.
    """
    return {
        name: value for name, value in message.items() if value is not None or name == "content"
    }
