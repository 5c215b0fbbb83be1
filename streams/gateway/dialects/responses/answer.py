"""Response objects of OpenAI's Responses: ids, output items, usage, failures. Pure.

`sluice` of a response says how the answer came about, and our code where it failed: the vendor's
own list of codes is short.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.records import Reply, ReplyUsage
from streams.client.sent_answer import reasoning_of
from streams.gateway.dialects.answer import BegunAnswer, is_reported, summary
from streams.gateway.dialects.responses.signed_reasoning import encrypted_content
from streams.gateway.errors import HttpError

Item = dict[str, Any]

IN_PROGRESS, COMPLETED, INCOMPLETE = "in_progress", "completed", "incomplete"
QUEUED, FAILED, CANCELLED = "queued", "failed", "cancelled"

_INCOMPLETE_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ERROR_CODES = {400: "invalid_prompt", 413: "invalid_prompt", 429: "rate_limit_exceeded"}
_ANY_ERROR = "server_error"


def empty_response(begun: BegunAnswer, status: str, model: str = "") -> dict[str, Any]:
    """Return a response without output, in this status. Without a model it names the asked one."""
    return {
        "id": begun.answer_id,
        "object": "response",
        "created_at": begun.created,
        "completed_at": None,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": model or begun.parsed.asked_model,
        "output": [],
        "service_tier": "default",
        **begun.parsed.echo,
    }


def finished_response(
    begun: BegunAnswer, reply: Reply, output: Sequence[Item], ended: int
) -> dict[str, Any]:
    """Return the response of an answered request; `ended` is Unix time in seconds."""
    reason = _INCOMPLETE_REASONS.get(reply.finish_reason or "")
    status = COMPLETED if reason is None else INCOMPLETE
    usage = usage_of(reply.usage)
    return {
        **empty_response(begun, status, reply.model or ""),
        "completed_at": ended if reason is None else None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": list(output),
        **({} if usage is None else {"usage": usage}),
        "sluice": {**summary(reply), "usage_reported": is_reported(reply.usage)},
    }


def failed_response(
    begun: BegunAnswer, error: HttpError, output: Sequence[Item] = (), model: str = ""
) -> dict[str, Any]:
    """Return the response of a request without an answer."""
    return {
        **empty_response(begun, FAILED, model),
        "error": {
            "code": _ERROR_CODES.get(error.status, _ANY_ERROR),
            "message": error.message,
        },
        "output": list(output),
        "sluice": {
            "request_id": begun.request_id,
            "error_code": str(error.code),
            "retryable": error.retryable,
        },
    }


def output_items(request_id: str, message: Mapping[str, Any], status: str) -> list[Item]:
    """Return the items of an assistant message in OpenAI's form: reasoning, text, tool calls."""
    items = [
        {**item, "id": item_id("rs", request_id, number)}
        for number, item in enumerate(_reasoning(message))
    ]
    parts = []
    if message.get("content"):
        parts.append(text_part(message["content"]))
    if message.get("refusal"):
        parts.append(refusal_part(message["refusal"]))
    if parts:
        items.append(message_item(item_id("msg", request_id), status, parts))
    items += [
        function_call(
            item_id("fc", request_id, number), call, status, call["function"]["arguments"]
        )
        for number, call in enumerate(message.get("tool_calls") or ())
    ]
    return items


def item_id(kind: str, request_id: str, number: int = 0) -> str:
    """Return the id of an item, by its number among those of its kind."""
    return f"{kind}_{request_id}_{number}" if number else f"{kind}_{request_id}"


def reasoning_item(identifier: str, status: str, text: str = "", encrypted: str = "") -> Item:
    """Return an item of reasoning, its text as the summary."""
    return {
        "id": identifier,
        "type": "reasoning",
        "summary": [summary_part(text)] if text else [],
        "status": status,
        **({"encrypted_content": encrypted} if encrypted else {}),
    }


def message_item(identifier: str, status: str, parts: Sequence[Item]) -> Item:
    """Return an item with what the model says."""
    return {
        "id": identifier,
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": list(parts),
    }


def function_call(identifier: str, call: Mapping[str, Any], status: str, arguments: str) -> Item:
    """Return the item of a tool call."""
    return {
        "id": identifier,
        "type": "function_call",
        "call_id": call["id"],
        "name": call["function"]["name"],
        "arguments": arguments,
        "status": status,
    }


def text_part(text: str) -> Item:
    """Return a text of a message item."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> Item:
    """Return a refusal of a message item."""
    return {"type": "refusal", "refusal": text}


def summary_part(text: str) -> Item:
    """Return a text of a reasoning item."""
    return {"type": "summary_text", "text": text}


def usage_of(counted: ReplyUsage | None) -> dict[str, Any] | None:
    """Return the tokens of the answering call; `None` if the provider did not report them."""
    if counted is None or counted.input_tokens is None or counted.output_tokens is None:
        return None
    return {
        "input_tokens": counted.input_tokens,
        "input_tokens_details": {
            "cached_tokens": counted.cache_read_tokens or 0,
            "cache_write_tokens": counted.cache_write_tokens or 0,
        },
        "output_tokens": counted.output_tokens,
        "output_tokens_details": {"reasoning_tokens": counted.reasoning_tokens or 0},
        "total_tokens": counted.input_tokens + counted.output_tokens,
    }


def _reasoning(message: Mapping[str, Any]) -> list[Item]:
    blocks = message.get("thinking_blocks") or []
    if blocks:
        return [
            reasoning_item("", COMPLETED, block.get("thinking") or "", encrypted_content(block))
            for block in blocks
        ]
    text = reasoning_of(message)
    return [reasoning_item("", COMPLETED, text)] if text else []
