"""What providers may answer: valid answers, changed in places, and what is no answer at all."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

from tests.fuzz.values import WORDS, anything, changed, wrongly_typed

_NUMBERS_AS_TEXT = (
    *(b"25227143063332189585438", b"1.10", b"1e-320", b"-0", b"9" * 300, b"1e308", b"0.1e1"),
    *(b"NaN", b"1e999", b"[" * 2_000, b'"\\ud800"', b"[" * 300 + b"]" * 300, b"null"),
)
_STATUSES = (200, 200, 200, 200, 400, 400, 401, 403, 404, 413, 422, 429, 498, 500, 503, 529, 302)
_OPENAI: dict[str, Any] = {
    "id": "chatcmpl-1",
    "model": "gpt-4o",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "logprobs": {"content": [{"token": "a", "logprob": -0.5}]},
            "message": {
                "role": "assistant",
                "content": [{"type": "text", "text": "Hello."}],
                "refusal": None,
                "reasoning_content": "hm",
                "reasoning_details": [{"type": "reasoning.text", "text": "hm"}],
                "extra_content": {"google": {"thought_signature": "s"}},
                "tool_calls": [
                    {"id": "c1", "function": {"name": "f", "arguments": "{}"}},
                    {"function": {"name": "f", "arguments": {"a": 1.5}}},
                ],
            },
        }
    ],
    "usage": {
        "prompt_tokens": 9,
        "completion_tokens": 3,
        "total_tokens": 20,
        "cached_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 1},
        "server_tool_use": {"web_search_requests": 1},
        "cost": 0.1,
    },
}
_ANTHROPIC: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "model": "claude-opus-4-8",
    "stop_reason": "tool_use",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "Hello."},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"order": 5}},
    ],
    "usage": {
        "input_tokens": 9,
        "output_tokens": 3,
        "cache_read_input_tokens": 4,
        "cache_creation_input_tokens": 3,
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2},
        "server_tool_use": {"web_search_requests": 1},
        "service_tier": "standard",
        "inference_geo": "us",
        "speed": "fast",
        "iterations": [{"type": "message", "input_tokens": 9, "output_tokens": 3}],
    },
}
_ERROR: dict[str, Any] = {
    "error": {
        "message": "Unsupported parameter: 'temperature' is not supported with this model.",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": "unsupported_parameter",
        "metadata": {"raw": '{"error": {"message": "prompt is too long"}}', "reasons": []},
        "innererror": {"code": "x"},
    },
    "detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "not permitted"}],
}
ENDS = ("stop", "length", "error", "end_turn", "refusal", "pause_turn", "", "x", None, 5)


def make_answer(draw: Random, name: str) -> tuple[int, bytes]:
    """Status and body of an answer in a wire format."""
    status = draw.choice(_STATUSES)
    document: Any = {"openai": _OPENAI, "anthropic": _ANTHROPIC}[name]
    if status >= 300 or draw.random() < 0.1:
        document = draw.choice((_ERROR, _ERROR["error"], [_ERROR], {"error": draw.choice(WORDS)}))
    elif draw.random() < 0.3:
        ended = draw.choice(ENDS)
        if name == "openai":
            document = {**document, "choices": [{**document["choices"][0], "finish_reason": ended}]}
        else:
            document = {**document, "stop_reason": ended}
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        document = draw.choice((changed, wrongly_typed))(document, draw)
    if draw.random() < 0.03:
        document = anything(draw)
    body = orjson.dumps(document)
    if draw.random() < 0.15:
        # A number in a form that Sluice never writes, in place of a count or an argument.
        at = body.find(b":5") if b":5" in body else body.find(b":9")
        body = body[: at + 1] + draw.choice(_NUMBERS_AS_TEXT) + body[at + 2 :]
    if draw.random() < 0.02:
        body = body[: draw.randint(0, len(body))]
    return status, body
