"""Agreement of two answers to one question, 0..1: for self-consistency, and against a stronger
tier's answer.

It compares conclusions: a boxed or announced result, the last number, or a short answer as a whole;
in longer prose the words. After Wang et al., "Self-Consistency Improves Chain of Thought Reasoning"
(ICLR 2023, arXiv 2203.11171), which compares final answers, not their reasoning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_text
from streams.routing.complexity import SCORE_DIGITS
from streams.routing.features.request_features import text_of

SHORT_WORDS = 12
"""An answer of at most this many words is its own conclusion."""

_EXAMINED_CHARACTERS = 20_000
_ANNOUNCED = re.compile(
    r"(?:final answer|answer|result|total)(?: is|:|=) {0,3}([^\n.;]{1,80})", re.IGNORECASE
)
_BOXED = re.compile(r"\\boxed\{([^{}]{1,80})\}")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"\w+")


def agreement(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """Return the agreement of two messages: 1 for the same conclusion, 0 for a different one."""
    calls = _calls_of(one), _calls_of(other)
    if calls[0] or calls[1]:
        # Arguments may be long: parse them only if their texts differ.
        return float(calls[0] == calls[1] or _as_read(calls[0]) == _as_read(calls[1]))
    left = text_of(one.get("content"))[:_EXAMINED_CHARACTERS]
    right = text_of(other.get("content"))[:_EXAMINED_CHARACTERS]
    values = _json_of(left), _json_of(right)
    if values[0] is not None and values[1] is not None:
        return float(values[0] == values[1])
    ends = _conclusion(left), _conclusion(right)
    if ends[0] and ends[1]:
        return float(ends[0] == ends[1])
    return _common_words(left, right)


def _calls_of(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    functions = (call["function"] for call in message.get("tool_calls") or ())
    return [(each["name"], each["arguments"]) for each in functions]


def _as_read(calls: list[tuple[str, str]]) -> list[tuple[str, Any]]:
    return [(name, _json_of(arguments) or arguments) for name, arguments in calls]


def _json_of(text: str) -> Any:
    """Parse a JSON object or list; `None` for anything else. A bare number or word is prose."""
    try:
        value = read_text(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict | list) else None


def _conclusion(text: str) -> str:
    """Return a text's conclusion in normalized form; empty if there is none."""
    for found in (_BOXED.findall(text), _ANNOUNCED.findall(text)):
        if found:
            return _plain(found[-1])
    if len(text.split()) <= SHORT_WORDS:
        numbers = _NUMBER.findall(text)
        return numbers[0].replace(",", "") if len(numbers) == 1 else ""
    numbers = _NUMBER.findall(text[-200:])
    return numbers[-1].replace(",", "") if numbers else ""


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))


def _common_words(left: str, right: str) -> float:
    """Return Dice's coefficient of the words, with their counts."""
    one, other = Counter(_WORD.findall(left.lower())), Counter(_WORD.findall(right.lower()))
    both = one.total() + other.total()
    return round(2 * (one & other).total() / both, SCORE_DIGITS) if both else 0.0
