"""Prompts of routing's own model calls: data between markers, an answer in JSON.

A marker contains a hash of the enclosed text, so no enclosed text can close it. An answer is parsed
as JSON, and anything else is ignored. So is an answer with two values, since one of them may be a
quotation of the enclosed text.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_text
from streams.routing.complexity import SCORE_DIGITS
from streams.routing.snapshot import JSON, Model

_OBJECT = re.compile(r"\{[^{}]{0,2000}\}")
_READ_CHARACTERS = 20_000
_MARK_BYTES = 10


def mark_of(*texts: str) -> str:
    """Return hexadecimal digits that none of the texts can contain on purpose: a text that contains
    its own mark takes 2^80 tries to find.
    """
    whole = "\x00".join(texts).encode(errors="replace")
    return hashlib.blake2b(whole, digest_size=_MARK_BYTES).hexdigest()


def enclosed(name: str, mark: str, text: str) -> str:
    """Return a text between its markers."""
    return f"{name}-{mark}\n{text}\n{name}-{mark}"


def inquiry_body(
    instructions: str, data: str, model: Model, max_output_tokens: int
) -> dict[str, Any]:
    """Return the chat-completions body; JSON is required of models that support it."""
    body: dict[str, Any] = {
        "messages": [
            {"role": "system", "content": instructions},
            {"role": "user", "content": data},
        ],
        "temperature": 0,
        "max_completion_tokens": max_output_tokens,
    }
    if JSON in model.capabilities:
        body["response_format"] = {"type": "json_object"}
    return body


def shown(text: str, most: int) -> str:
    """Return a text of at most `most` characters, or its beginning and its end, three quarters to
    one.
    """
    if len(text) <= most:
        return text
    tail = most // 4
    return f"{text[: most - tail]}\n[...]\n{text[-tail:]}"


def json_object_in(text: str, field: str) -> Mapping[str, Any]:
    """Return the JSON object with this field in a model's answer, bare or within prose; empty if
    there is none, or if several differ in that field.
    """
    read = text[:_READ_CHARACTERS]
    whole = _object(read)
    if whole is not None:
        return whole
    found = [
        value
        for candidate in _OBJECT.findall(read)
        if (value := _object(candidate)) is not None and field in value
    ]
    if not found or any(each[field] != found[0][field] for each in found):
        return {}
    return found[-1]


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = read_text(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def share_in(value: Any) -> float | None:
    """Return a number in 0..1, rounded to 1e-6; `None` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return round(float(value), SCORE_DIGITS)
