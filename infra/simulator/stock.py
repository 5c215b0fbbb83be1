"""A stock answer to a prompt that nobody wrote answers for: deterministic, well-formed, empty."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import orjson

from infra.simulator.answers import Answer, ToolUse, answer_of
from infra.simulator.asked import Asked, Json

_OPENINGS = (
    "Here is a short answer.",
    "In brief:",
    "This is what can be said about it.",
    "A first answer to that:",
)
_BODIES = (
    "The request was understood and every part of it was considered in turn.",
    "There are two sides to it, and the simpler of them is usually enough.",
    "It depends on the details given, which point in one direction.",
    "The main point comes first, the rest follows from it.",
)
_ENDS = (
    "That is all that is needed.",
    "Nothing else follows from it.",
    "More detail is on request.",
)


def stock_answer(asked: Asked) -> Answer:
    """The same text for the same prompt; JSON or a tool call where one is demanded."""
    if asked.forced_tool is not None:
        name = next(iter(asked.tools)) if asked.forced_tool == "*" else asked.forced_tool
        arguments = orjson.dumps(example_of(asked.tools[name])).decode()
        return Answer(
            encoded=b'""',
            tokens=len(arguments) // 4 + 8,
            source="stock",
            finish="tool_calls",
            tools=(ToolUse(name=name, arguments=arguments),),
        )
    if asked.schema is not None:
        return answer_of({"text": orjson.dumps(example_of(asked.schema)).decode()}, "stock")
    digest = blake2b(asked.prompt.encode(), digest_size=3).digest()
    parts: Sequence[Sequence[str]] = (_OPENINGS, _BODIES, _ENDS)
    text = " ".join(
        choices[byte % len(choices)] for choices, byte in zip(parts, digest, strict=True)
    )
    return answer_of({"text": text}, "stock")


def example_of(schema: Json) -> Any:
    """The plainest value that a JSON Schema of common form allows."""
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "anyOf", "oneOf", "allOf"):
        if schema.get(name):
            first = schema[name][0]
            return first if name == "enum" else example_of(first)
    return _example_of_type(schema)


def _example_of_type(schema: Json) -> Any:
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind in {"object", None}:
        properties = schema.get("properties") or {}
        return {name: example_of(properties[name]) for name in properties}
    if kind == "array":
        count = int(schema.get("minItems") or 0)
        return [example_of(schema.get("items") or {"type": "string"}) for _ in range(count)]
    if kind == "string":
        return "example".ljust(int(schema.get("minLength") or 0), ".")
    plain = {"boolean": False, "null": None}
    return plain[kind] if kind in plain else schema.get("minimum", 0)
