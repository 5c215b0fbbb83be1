"""Encoding of Anthropic's responses."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from infra.simulator.call_facts import CheckedCall, RequestRejectedError
from infra.simulator.draws import Chance
from infra.simulator.responses.response_builder import Serving

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def answer(
    checked: CheckedCall, serving: Serving, call_id: str, at_s: int, chance: Chance
) -> bytes:
    """Return the body of a 200. Time and randomness are not part of this format."""
    text = orjson.Fragment(serving.encoded)
    content, stop = content_of(checked, serving, call_id, text)
    return orjson.dumps(
        {
            "id": identity_of(call_id),
            "type": "message",
            "role": "assistant",
            "model": checked.model,
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": usage_of(serving),
        }
    )


def identity_of(call_id: str) -> str:
    """Return the id of an answer."""
    return "msg_" + call_id.encode("ascii", "replace")[:64].decode()


def content_of(
    checked: CheckedCall, serving: Serving, call_id: str, text: str | orjson.Fragment
) -> tuple[list[dict[str, Any]], str]:
    """Return the blocks of an answer, and its stop reason. `text` is its text, as is or encoded."""
    shaped = _shaped(checked, serving, call_id)
    if shaped is not None:
        return [shaped], "tool_use"
    blocks = _blocks(serving, call_id, text)
    if serving.thinking:
        digest = blake2b(serving.thinking.encode(), digest_size=24).digest()
        signature = b64encode(digest).decode()
        thinking = {"type": "thinking", "thinking": serving.thinking, "signature": signature}
        blocks.insert(0, thinking)
    return blocks, _STOPS[serving.finish]


def usage_of(serving: Serving) -> dict[str, Any]:
    """Return the usage of an answer."""
    served = serving.served
    details = {"output_tokens_details": {"thinking_tokens": served.reasoning}}
    return {
        "input_tokens": served.input,
        "output_tokens": served.output,
        "cache_creation_input_tokens": served.cache_write,
        "cache_read_input_tokens": served.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": served.cache_write,
            "ephemeral_1h_input_tokens": 0,
        },
        "service_tier": "standard",
        **(details if serving.thinking else {}),
    }


def _shaped(checked: CheckedCall, serving: Serving, call_id: str) -> dict[str, Any] | None:
    """Return the answer as the forced tool's input; `None` if it is no JSON object: a weak model
    with invalid JSON produces no tool call either.
    """
    if checked.shape_tool is None or serving.finish == "length":
        return None
    try:
        value = orjson.loads(serving.answer.text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict):
        return None
    return {
        "type": "tool_use",
        "id": f"toolu_{call_id[:24]}",
        "name": checked.shape_tool,
        "input": value,
    }


def _blocks(serving: Serving, call_id: str, text: str | orjson.Fragment) -> list[dict[str, Any]]:
    tools = serving.answer.tools
    has_text = serving.encoded != b'""' or not tools
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if has_text else []
    for number, tool in enumerate(tools):
        blocks.append(
            {
                "type": "tool_use",
                "id": f"toolu_{call_id[:24]}_{number}",
                "name": tool.name,
                "input": orjson.loads(tool.arguments),
            }
        )
    return blocks


def error(status: int, message: str) -> bytes:
    """Return the body of an error."""
    kind = _ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return orjson.dumps({"type": "error", "error": {"type": kind, "message": message}})


def refusal(refused: RequestRejectedError) -> bytes:
    """Return the body of the 400 for an invalid body."""
    return error(400, str(refused))


SPECIAL: Mapping[str, tuple[int, bytes]] = {
    "content_filter": (400, error(400, "Output blocked by content filtering policy")),
    "context_length": (400, error(400, "prompt is too long: 250000 tokens > 200000 maximum")),
    "rate_limit": (429, error(429, "Number of requests has exceeded your rate limit")),
    "overloaded": (529, error(529, "Overloaded")),
}
"""Return status and body of the faults with their own form."""
