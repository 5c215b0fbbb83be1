"""Default answers to prompts without a recorded answer: deterministic, well-formed, in the prompt's
language.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from infra.simulator.call_facts import CheckedCall, Json
from infra.simulator.responses.default_texts import sentences_for
from infra.simulator.responses.recorded_responses import SimulatedAnswer, ToolUse, answer_of


def stock_answer(checked: CheckedCall) -> SimulatedAnswer:
    """Return the same text for the same prompt; JSON or a tool call if required."""
    if checked.forced_tool is not None:
        name = next(iter(checked.tools)) if checked.forced_tool == "*" else checked.forced_tool
        arguments = orjson.dumps(example_of(checked.tools[name])).decode()
        return SimulatedAnswer(
            encoded=b'""',
            tokens=len(arguments) // 4 + 8,
            source="stock",
            finish="tool_calls",
            tools=(ToolUse(name=name, arguments=arguments),),
        )
    if checked.schema is not None:
        return answer_of({"text": orjson.dumps(example_of(checked.schema)).decode()}, "stock")
    digest = blake2b(checked.prompt.encode(), digest_size=3).digest()
    parts = sentences_for(checked.prompt)
    text = " ".join(
        choices[byte % len(choices)] for choices, byte in zip(parts, digest, strict=True)
    )
    return answer_of({"text": text}, "stock")


_MOST_LEVELS = 100
"""Levels of a schema for which an example is made; below them it is null."""


def example_of(schema: Json, levels: int = _MOST_LEVELS) -> Any:
    """Return the simplest value that a JSON Schema of common form allows."""
    if levels == 0:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "anyOf", "oneOf", "allOf"):
        if schema.get(name):
            first = schema[name][0]
            return first if name == "enum" else example_of(first, levels - 1)
    return _example_of_type(schema, levels - 1)


def _example_of_type(schema: Json, levels: int) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind in {"object", None}:
        properties = schema.get("properties") or {}
        return {name: example_of(properties[name], levels) for name in properties}
    if kind == "array":
        count = int(schema.get("minItems") or 0)
        return [example_of(schema.get("items") or {"type": "string"}, levels) for _ in range(count)]
    if kind == "string":
        return "example".ljust(int(schema.get("minLength") or 0), ".")
    plain = {"boolean": False, "null": None}
    return plain[kind] if kind in plain else schema.get("minimum", 0)
