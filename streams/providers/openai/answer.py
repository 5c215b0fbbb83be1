"""Conversion of an answer in OpenAI's chat-completions format to the port's completion; pure.

Source: https://platform.openai.com/docs/api-reference/chat, and the behaviour of compatible
servers. An unknown finish reason is a failure, never an answer: a truncated answer looks complete.
"""

from __future__ import annotations

from typing import Any

from streams.providers.answer_fields import (
    Json,
    bad_answer,
    believable,
    few_calls,
    few_parts,
    json_text,
    keeping_usage,
    kept,
    name,
    objects,
    part,
    text,
    words_of,
)
from streams.providers.openai import usage
from streams.providers.port import ChatCall, Completion, ErrorClass, ProviderError, Usage
from streams.providers.refusals.classification import error_object, refusal_of
from streams.providers.tools.call_ids import fresh_id, ids_of

_STOP, _LENGTH, _TOOLS, _FILTERED = "stop", "length", "tool_calls", "content_filter"
_FINISH = {
    **dict.fromkeys(
        ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), _STOP
    ),
    **dict.fromkeys(
        (
            "length",
            "max_tokens",
            "max_length",
            "max_output_tokens",
            "model_length",
            "model_context_window_exceeded",
        ),
        _LENGTH,
    ),
    **dict.fromkeys(("tool_calls", "function_call", "tool_call", "tool_use"), _TOOLS),
    **dict.fromkeys(
        (
            "content_filter",
            "content_filtered",
            "sensitive",
            "safety",
            "recitation",
            "blocklist",
            "prohibited_content",
            "spii",
            "refusal",
            "error_toxic",
        ),
        _FILTERED,
    ),
}
"""Finish reasons by meaning, in lower case."""

_FAILED = {
    "error": ErrorClass.SERVER,
    "network_error": ErrorClass.SERVER,
    "abort": ErrorClass.SERVER,
    "aborted": ErrorClass.SERVER,
    "cancelled": ErrorClass.SERVER,
    "insufficient_system_resource": ErrorClass.OVERLOADED,
}
"""Finish reasons of an incomplete answer."""

_TEXT_PARTS = frozenset({"text", "output_text"})
REASONING_TEXTS = ("reasoning_content", "reasoning")
"""Fields of a message with the text of its reasoning."""


def completion(document: Json, call: ChatCall) -> Completion:
    """Return the completion of a 200 answer to this call.

    Raises:
        ProviderError: BAD_RESPONSE if it has no message, or an unknown finish reason; the class of
            the
            error that some compatible servers send with status 200. The error has the call's usage.
    """
    used = usage.usage(part(document, "usage"), name(document.get("service_tier")))
    with keeping_usage(used):
        return _completion(document, used, call)


def _completion(document: Json, used: Usage, call: ChatCall) -> Completion:
    error = error_in(document)
    if error is not None:
        raise error
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise bad_answer("has no choice")
    choice = choices[0]
    raw = choice.get("message")
    if not isinstance(raw, dict):
        raise bad_answer("has no message")
    message = _message(raw, call)
    finish = _finish(choice, message)
    logprobs = _logprobs(choice.get("logprobs")) if choice.get("logprobs") else None
    return Completion(
        message=message,
        # A forced call ends with `stop` at OpenAI, and so does any call at Ollama.
        finish_reason=_TOOLS if finish == _STOP and "tool_calls" in message else finish,
        usage=believable(used, message),
        response_model=name(document.get("model")),
        response_id=name(document.get("id")),
        logprobs=logprobs,
        token_logprobs=None if logprobs is None else _token_logprobs(choice["logprobs"]),
    )


def _finish(choice: Json, message: Json) -> str:
    raw = choice.get("finish_reason")
    failure = error_in(choice)
    if failure is not None:
        raise ProviderError(
            failure.error_class, f"the answer contains an error: {failure}", status=200
        )
    if raw is None:
        # Some servers give no reason for a complete answer; without content it is invalid.
        if message.get("content") or message.get("tool_calls") or message.get("refusal"):
            return _STOP
        raise bad_answer("is empty and has no finish reason")
    known = raw.lower() if isinstance(raw, str) else ""
    if known in _FAILED:
        raise ProviderError(
            _FAILED[known], f"the answer ended with finish reason {known}", status=200
        )
    if known not in _FINISH:
        raise bad_answer("has an unknown finish reason")
    if _FINISH[known] == _TOOLS and not message.get("tool_calls"):
        raise bad_answer("has finish reason tool_calls without a tool call")
    return _FINISH[known]


def error_in(document: Json) -> ProviderError | None:
    """Return the error in an answer or a choice, even beside partial content; some servers send it
    as text, or in a list.
    """
    raw = document.get("error") or document.get("errors")
    if not raw:
        return None
    error = error_object({"error": raw})
    return refusal_of(_status(error.get("code"), 500), error, inside=True)


def _status(code: object, otherwise: int) -> int:
    is_status = isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600
    return code if is_status else otherwise  # type: ignore[return-value]


def _message(raw: Json, call: ChatCall) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": spoken_text(raw.get("content"))}
    calls = raw.get("tool_calls") or None
    if not isinstance(calls, list | None):
        raise bad_answer("has tool calls that are not a list")
    if calls:
        taken = ids_of(call.body.get("messages"))
        message["tool_calls"] = [
            _tool_call(each, taken, call.call_id, number)
            for number, each in enumerate(few_calls(calls))
        ]
    if text(raw.get("refusal")):
        message["refusal"] = raw["refusal"]
    for field in REASONING_TEXTS:
        if text(raw.get(field)):
            message[field] = raw[field]
    thought = thinking_text(raw.get("content"))
    if thought and "reasoning_content" not in message:
        message["reasoning_content"] = thought
    details = objects(raw.get("reasoning_details"))
    if details:
        message["reasoning_details"] = kept(details)
    if part(raw, "extra_content"):
        message["extra_content"] = kept(raw["extra_content"])
    return message


def spoken_text(content: object) -> str | None:
    """Return text, also from parts, as of Mistral's reasoning models, or from a list of texts.

    Raises:
        ProviderError: BAD_RESPONSE; it is neither: the content can't be parsed.
    """
    if isinstance(content, str | None):
        return content
    if not isinstance(content, list) or not all(map(_is_part, few_parts(content))):
        raise bad_answer("has content that is not text")
    pieces = (
        each if isinstance(each, str) else words_of(each)
        for each in content
        if isinstance(each, str) or each["type"] in _TEXT_PARTS
    )
    return "".join(pieces) or None


def _is_part(piece: object) -> bool:
    return isinstance(piece, str) or (
        isinstance(piece, dict) and isinstance(piece.get("type"), str)
    )


def thinking_text(content: object) -> str:
    """Return the reasoning among the parts of an answer; Mistral's is itself in parts."""
    pieces = [piece for piece in objects(content) if piece.get("type") == "thinking"]
    return "".join(
        text(piece.get("thinking")) or _joined(piece.get("thinking"), "text", "text")
        for piece in pieces
    )


def _joined(parts: object, kind: str, field: str) -> str:
    pieces = [piece for piece in objects(parts) if piece.get("type") == kind]
    return "".join(text(piece.get(field)) or "" for piece in pieces)


def _tool_call(call: object, taken: set[str], seed: str, number: int) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise bad_answer("has a malformed tool call")
    called, arguments = name(function.get("name")), function.get("arguments")
    if not called:
        raise bad_answer("has a tool call without a name")
    if not isinstance(arguments, str | dict | None):
        raise bad_answer("has a tool call with arguments that are not an object")
    # Some compatible servers send the arguments as an object instead of text.
    raw = json_text(arguments) if isinstance(arguments, dict) else arguments
    result: dict[str, Any] = {
        "id": fresh_id(name(call.get("id")), taken, seed, number),
        "type": "function",
        "function": {"name": called, "arguments": raw or "{}"},
    }
    if part(call, "extra_content"):
        result["extra_content"] = kept(call["extra_content"])
    if text(call.get("thought_signature")):
        result["thought_signature"] = call["thought_signature"]
    return result


def _logprobs(document: object) -> tuple[float, ...] | None:
    tokens = document.get("content") if isinstance(document, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    values = [token.get("logprob") for token in tokens if isinstance(token, dict)]
    numbers = tuple(float(value) for value in values if isinstance(value, int | float))
    return numbers if len(numbers) == len(tokens) else None


def _token_logprobs(document: Json) -> str | None:
    """Return the probabilities as the vendor gave them; `None` where a token has another form."""
    tokens = document["content"]
    if not all(isinstance(token.get("token"), str) for token in tokens):
        return None
    kept = [
        {
            "token": token["token"],
            "logprob": token["logprob"],
            "bytes": token.get("bytes"),
            "top_logprobs": token.get("top_logprobs") or [],
        }
        for token in tokens
    ]
    return json_text({"content": kept, "refusal": None})
