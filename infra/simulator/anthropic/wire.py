"""Encoding of Anthropic's responses."""

from __future__ import annotations

from collections.abc import Mapping
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
    served = serving.served
    stop = _STOPS[serving.finish]
    shaped = _shaped(checked, serving, call_id)
    if shaped is not None:
        content, stop = shaped, "tool_use"
    elif serving.answer.tools:
        content = orjson.dumps(_blocks(serving, call_id))
    else:
        content = b'[{"type":"text","text":' + serving.encoded + b"}]"
    return b"".join(
        (
            b'{"id":"msg_',
            call_id.encode("ascii", "replace")[:64].replace(b'"', b"").replace(b"\\", b""),
            b'","type":"message","role":"assistant","model":',
            orjson.dumps(checked.model),
            b',"content":',
            content,
            b',"stop_reason":"',
            stop.encode(),
            b'","stop_sequence":null,"usage":{"input_tokens":%d,"output_tokens":%d,'
            b'"cache_creation_input_tokens":%d,"cache_read_input_tokens":%d,'
            b'"cache_creation":{"ephemeral_5m_input_tokens":%d,"ephemeral_1h_input_tokens":0},'
            b'"service_tier":"standard"}}'
            % (
                served.input,
                served.output,
                served.cache_write,
                served.cache_read,
                served.cache_write,
            ),
        )
    )


def _shaped(checked: CheckedCall, serving: Serving, call_id: str) -> bytes | None:
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
    block = {
        "type": "tool_use",
        "id": f"toolu_{call_id[:24]}",
        "name": checked.shape_tool,
        "input": value,
    }
    return orjson.dumps([block])


def _blocks(serving: Serving, call_id: str) -> list[dict[str, Any]]:
    text = serving.answer.text
    blocks: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for number, tool in enumerate(serving.answer.tools):
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
