"""Earlier assistant turns that callers send back: tool calls, refusals, reasoning.

Vendors have several forms of reasoning, with signatures that authenticate it, and require it in the
next turn of a tool call. All are kept: `reasoning_content` (DeepSeek, Moonshot, vLLM), `reasoning`
and `reasoning_details` (OpenRouter, Groq), `extra_content` with a `thought_signature` (Gemini),
`thinking_blocks` or thinking parts (Anthropic, Mistral).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Word = Annotated[str, StringConstraints(min_length=1, max_length=256)]

_TYPE = "type"
_NULL_MATTERS = frozenset({"role", "content"})
_EMPTY: tuple[Any, ...] = ([], {})


class Strict(BaseModel):
    """Model that rejects unknown fields, coerces no types and quotes no input in errors."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        frozen=True,
        strict=True,
        allow_inf_nan=False,
    )


class RefusalPart(Strict):
    """An assistant's refusal in an earlier turn."""

    type: Literal["refusal"]
    refusal: str


class ThinkingPart(Strict):
    """Reasoning, as text with a signature (Anthropic) or as a list of texts (Mistral)."""

    type: Literal["thinking"]
    thinking: str | list[dict[str, Any]]
    signature: str | None = None
    closed: bool | None = None


class RedactedThinkingPart(Strict):
    """Encrypted reasoning that only its vendor can read."""

    type: Literal["redacted_thinking"]
    data: str


class FunctionCall(Strict):
    """A function and its arguments as JSON text."""

    name: Word
    arguments: str
    thought_signature: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_dump(cls, value: Any) -> Any:
        return without_nulls(value)


class ToolCall(Strict):
    """A tool call of the assistant. `index` is its position in a stream and is dropped."""

    id: Word
    type: Literal["function"] = "function"
    function: FunctionCall
    index: int | None = Field(default=None, exclude=True)
    extra_content: dict[str, Any] | None = None
    thought_signature: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_dump(cls, value: Any) -> Any:
        found = without_nulls(value)
        return {_TYPE: "function", **found} if isinstance(found, Mapping) else found


_GOES_NO_FURTHER = frozenset({"annotations"})


def passed_turn(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a turn of a validated document as sent to a model, without validating it again."""
    passed = {
        name: each
        for name, each in without_empty_fields(message).items()
        if name not in _GOES_NO_FURTHER and (each is not None or name == "content")
    }
    if "tool_calls" in passed:
        passed["tool_calls"] = [_passed_call(call) for call in passed["tool_calls"]]
    return passed


def _passed_call(call: Mapping[str, Any]) -> dict[str, Any]:
    passed = {_TYPE: "function", **without_nulls(call)}
    passed.pop("index", None)
    passed["function"] = dict(without_nulls(call["function"]))
    return passed


def without_nulls(value: Any) -> Any:
    """Return an object without its null fields; return other values unchanged."""
    if not isinstance(value, Mapping) or None not in value.values():
        return value
    return {name: each for name, each in value.items() if each is not None}


def without_empty_fields(value: Any) -> Any:
    """Return a message without null fields; an assistant's message also without empty fields of SDK
    dumps (`refusal`, `annotations`, `audio`, `function_call`, `tool_calls`). Content is unchanged.
    """
    if not isinstance(value, Mapping):
        return value
    empty = _EMPTY if value.get("role") == "assistant" else ()
    return {
        name: each
        for name, each in value.items()
        if name in _NULL_MATTERS or not (each is None or each in empty)
    }
