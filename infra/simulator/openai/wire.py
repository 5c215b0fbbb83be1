"""Encoding of OpenAI's responses. Pieces are concatenated: the text is already JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from infra.simulator.call_facts import CheckedCall, RequestRejectedError
from infra.simulator.draws import Chance
from infra.simulator.responses.response_builder import Serving

_PIECE = re.compile(r"\s*\S+|\s+")
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
    served = serving.served
    tools = serving.answer.tools
    logprobs = _logprobs(checked, serving, call_id, chance) if checked.logprobs else b"null"
    cached, total = served.cache_read, served.input + served.cache_read + served.cache_write
    return b"".join(
        (
            b'{"id":"chatcmpl-',
            call_id.encode("ascii", "replace")[:64].replace(b'"', b"").replace(b"\\", b""),
            b'","object":"chat.completion","created":%d,"model":' % at_s,
            orjson.dumps(checked.model),
            b',"choices":[{"index":0,"message":{"role":"assistant","content":',
            b"null" if tools and serving.encoded == b'""' else serving.encoded,
            b',"refusal":null',
            b',"tool_calls":' + orjson.dumps(_calls(serving, call_id)) if tools else b"",
            b'},"logprobs":',
            logprobs,
            b',"finish_reason":"',
            serving.finish.encode(),
            b'"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d,'
            b'"prompt_tokens_details":{"cached_tokens":%d,"audio_tokens":0},'
            b'"completion_tokens_details":{"reasoning_tokens":%d,"audio_tokens":0}},'
            b'"service_tier":"default","system_fingerprint":"fp_simulator"}'
            % (total, served.output, total + served.output, cached, served.reasoning),
        )
    )


def _calls(serving: Serving, call_id: str) -> list[dict[str, Any]]:
    return [
        {
            "id": f"call_{call_id[:24]}_{number}",
            "type": "function",
            "function": {"name": tool.name, "arguments": tool.arguments},
        }
        for number, tool in enumerate(serving.answer.tools)
    ]


def _logprobs(checked: CheckedCall, serving: Serving, call_id: str, chance: Chance) -> bytes:
    """Return logprobs: higher for right answers than for wrong ones, with some overlap."""
    score = 0.9 if serving.answer.score is None else serving.answer.score
    mean = _UNSURE + (_SURE - _UNSURE) * score
    tokens = []
    for number, piece in enumerate(_PIECE.findall(orjson.loads(serving.encoded))):
        spread = chance.draw(f"logprob {number}", call_id)
        value = math.log(max(1 - (1 - mean) * 2 * spread, 1e-4))
        entry = {"token": piece, "logprob": value, "bytes": list(piece.encode())}
        tokens.append({**entry, "top_logprobs": [entry] if checked.top_logprobs else []})
    return orjson.dumps({"content": tokens, "refusal": None})


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
