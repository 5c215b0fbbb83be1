"""An assistant's earlier turn as callers send it back: tool calls, refusals, reasoning.

Vendors have several forms of reasoning, each with what proves it genuine (signatures), and demand
it back in the next turn of a tool call. All are kept: `reasoning_content` (DeepSeek, Moonshot,
vLLM), `reasoning` and `reasoning_details` (OpenRouter, Groq), `extra_content` with a
`thought_signature` (Gemini), `thinking_blocks` or thinking parts (Anthropic, Mistral).
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
    """Refuses what it does not know, takes no type for another, never quotes what it was given."""

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
    """Reasoning, as text with a signature (Anthropic) or as pieces of text (Mistral)."""

    type: Literal["thinking"]
    thinking: str | list[dict[str, Any]]
    signature: str | None = None
    closed: bool | None = None


class RedactedThinkingPart(Strict):
    """Reasoning that only its vendor can read."""

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
    """A call that the assistant asked for. `index` is its place in a stream and goes no further."""

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
    """A turn of an accepted document as it goes on to a model, without checking it again."""
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
    """An object without the fields that are null; anything else as it is."""
    if not isinstance(value, Mapping) or None not in value.values():
        return value
    return {name: each for name, each in value.items() if each is not None}


def without_empty_fields(value: Any) -> Any:
    """A message without null fields; an assistant's also without empty ones, as its SDK dumps them
    (`refusal`, `annotations`, `audio`, `function_call`, `tool_calls`). Content stays as it is.
    """
    if not isinstance(value, Mapping):
        return value
    empty = _EMPTY if value.get("role") == "assistant" else ()
    return {
        name: each
        for name, each in value.items()
        if name in _NULL_MATTERS or not (each is None or each in empty)
    }
