"""Answers and errors in the form of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.records import ReplyUsage
from streams.gateway.dialects.answer import AnsweredRequest, logprobs_of, summary
from streams.gateway.errors import HttpError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    409: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}
_REASONING = ("reasoning_content", "reasoning", "reasoning_details", "thinking_blocks")


def completion_id(request_id: str) -> str:
    """Return the id of a request's completion."""
    return f"chatcmpl-{request_id}"


def chat_completion(answered: AnsweredRequest) -> dict[str, Any]:
    """Return the body of an answer."""
    reply = answered.reply
    document: dict[str, Any] = {
        "id": completion_id(reply.request_id),
        "object": "chat.completion",
        "created": answered.created,
        "model": reply.model,
        "choices": [
            {
                "index": 0,
                "message": assistant_message(answered.message),
                "logprobs": logprobs_of(reply),
                "finish_reason": reply.finish_reason,
            }
        ],
        "service_tier": "default",
        "sluice": summary(reply),
    }
    found = usage(reply.usage)
    return document if found is None else {**document, "usage": found}


def assistant_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return an assistant message with the fields that clients expect in each."""
    found: dict[str, Any] = {
        "role": "assistant",
        "content": message.get("content"),
        "refusal": message.get("refusal"),
        "annotations": [],
    }
    if message.get("tool_calls"):
        found["tool_calls"] = message["tool_calls"]
    for name in (*_REASONING, "extra_content"):
        if message.get(name):
            found[name] = message[name]
    return found


def usage(counted: ReplyUsage | None) -> dict[str, Any] | None:
    """Return the tokens of the answering call; `None` if the provider did not report them."""
    if counted is None or counted.input_tokens is None or counted.output_tokens is None:
        return None
    return {
        "prompt_tokens": counted.input_tokens,
        "completion_tokens": counted.output_tokens,
        "total_tokens": counted.input_tokens + counted.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": counted.cache_read_tokens or 0,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning_tokens or 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def error_body(error: HttpError) -> dict[str, Any]:
    """Return the body of an error."""
    return {
        "error": {
            "message": error.message,
            "type": _TYPES.get(error.status, "server_error"),
            "param": error.param,
            "code": str(error.code),
        }
    }
