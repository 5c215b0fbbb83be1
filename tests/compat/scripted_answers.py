"""Answers that the simulator gives to the prompts of suites and clients: tool calls, and JSON.

Its own rules cover forced tools and JSON Schemas. A script is needed where a suite asks for an
argument, or for a tool without forcing it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODELS = ("gpt-4o-mini", "claude-3-5-haiku-20241022", "gpt-4o", "claude-opus-4-20250514")

WEATHER = "What is the weather in Paris?"
"""A client's question that the model answers with one tool call."""

WEATHER_OF_TWO = "What is the weather in Paris and in London?"
"""A client's question that the model answers with two tool calls at once."""


def _call(tool: str, **arguments: object) -> dict[str, Any]:
    return {"name": tool, "arguments": arguments}


_JOKE = {"setup": "Why do cats purr?", "punchline": "Their engines idle."}

SCRIPT: Mapping[str, Mapping[str, Any]] = {
    WEATHER: {"tool_calls": [_call("get_weather", city="Paris")]},
    WEATHER_OF_TWO: {
        "tool_calls": [_call("get_weather", city="Paris"), _call("get_weather", city="London")]
    },
    "What is the value of magic_function(3)? Use the tool.": {
        "tool_calls": [_call("magic_function", input=3)]
    },
    "What is the weather in San Francisco, CA?": {
        "tool_calls": [_call("get_weather", location="San Francisco, CA")]
    },
    "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company": {
        "tool_calls": [
            _call("unicode_customer", customer_name="你好啊集团", description="technology")
        ]
    },
    "Create a customer named 'こんにちは株式会社' (Hello Corporation) - a Japanese company": {
        "tool_calls": [
            _call("unicode_customer", customer_name="こんにちは株式会社", description="technology")
        ]
    },
    "Tell me a joke about cats. Return the result as a JSON with 'setup' and 'punchline' keys. "
    "Return nothing other than JSON.": {"text": json.dumps(_JOKE)},
}


def write_script(path: Path) -> None:
    """Write the simulator's file of recorded answers."""
    lines = (
        json.dumps({"prompt": prompt, "answers": dict.fromkeys(MODELS, answer)})
        for prompt, answer in SCRIPT.items()
    )
    path.write_text("\n".join(lines) + "\n")
