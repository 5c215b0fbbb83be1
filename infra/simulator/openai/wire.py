"""Encoding of OpenAI's responses. Pieces are concatenated: the text is already JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from infra.simulator.call_facts import CheckedCall, RequestRejectedError
from infra.simulator.draws import Chance
from infra.simulator.responses.response_builder import Serving
from infra.simulator.responses.text_pieces import tokens_of

_UNQUOTED = str.maketrans("", "", '"\\')
_SURE, _UNSURE = 0.98, 0.8
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
    503: "server_error",
}


def answer(
    checked: CheckedCall, serving: Serving, call_id: str, at_s: int, chance: Chance
) -> bytes:
    """Return the body of a 200."""
    tools = serving.answer.tools
    logprobs = b"null"
    if checked.logprobs:
        tokens = logprobs_of(checked, serving, call_id, chance)
        logprobs = orjson.dumps({"content": tokens, "refusal": None})
    return b"".join(
        (
            b'{"id":"',
            identity_of(call_id).encode(),
            b'","object":"chat.completion","created":%d,"model":' % at_s,
            orjson.dumps(checked.model),
            b',"choices":[{"index":0,"message":{"role":"assistant","content":',
            b"null" if tools and serving.encoded == b'""' else serving.encoded,
            b',"refusal":null',
            b',"tool_calls":' + orjson.dumps(calls_of(serving, call_id)) if tools else b"",
            b'},"logprobs":',
            logprobs,
            b',"finish_reason":"',
            serving.finish.encode(),
            b'"}],"usage":',
            orjson.dumps(usage_of(serving)),
            b',"service_tier":"default","system_fingerprint":"fp_simulator"}',
        )
    )


def identity_of(call_id: str) -> str:
    """Return the id of an answer."""
    return "chatcmpl-" + call_id.encode("ascii", "replace")[:64].decode().translate(_UNQUOTED)


def usage_of(serving: Serving) -> dict[str, Any]:
    """Return the usage of an answer."""
    served = serving.served
    total = served.input + served.cache_read + served.cache_write
    return {
        "prompt_tokens": total,
        "completion_tokens": served.output,
        "total_tokens": total + served.output,
        "prompt_tokens_details": {"cached_tokens": served.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": served.reasoning, "audio_tokens": 0},
    }


def calls_of(serving: Serving, call_id: str) -> list[dict[str, Any]]:
    """Return the tool calls of an answer."""
    return [
        {
            "id": f"call_{call_id[:24]}_{number}",
            "type": "function",
            "function": {"name": tool.name, "arguments": tool.arguments},
        }
        for number, tool in enumerate(serving.answer.tools)
    ]


def logprobs_of(
    checked: CheckedCall, serving: Serving, call_id: str, chance: Chance
) -> list[dict[str, Any]]:
    """Return tokens with logprobs: higher for right answers than for wrong ones, with some
    overlap.
    """
    score = 0.9 if serving.answer.score is None else serving.answer.score
    mean = _UNSURE + (_SURE - _UNSURE) * score
    tokens = []
    for number, piece in enumerate(tokens_of(orjson.loads(serving.encoded))):
        spread = chance.draw(f"logprob {number}", call_id)
        value = math.log(max(1 - (1 - mean) * 2 * spread, 1e-4))
        entry = {"token": piece, "logprob": value, "bytes": list(piece.encode())}
        tokens.append({**entry, "top_logprobs": [entry] if checked.top_logprobs else []})
    return tokens


def error(status: int, message: str, *, code: str | None = None, param: str | None = None) -> bytes:
    """Return the body of an error."""
    kind = _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return orjson.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}})


def refusal(refused: RequestRejectedError) -> bytes:
    """Return the body of the 400 for an invalid body."""
    return error(400, str(refused), code=refused.code, param=refused.param)


SPECIAL: Mapping[str, tuple[int, bytes]] = {
    "content_filter": (
        400,
        error(400, "The response was filtered due to the policy.", code="content_filter"),
    ),
    "context_length": (
        400,
        error(
            400,
            "This model's maximum context length is exceeded.",
            code="context_length_exceeded",
            param="messages",
        ),
    ),
    "rate_limit": (429, error(429, "Rate limit reached.", code="rate_limit_exceeded")),
    "overloaded": (503, error(503, "The engine is currently overloaded.")),
}
"""Return status and body of the faults with their own form."""
