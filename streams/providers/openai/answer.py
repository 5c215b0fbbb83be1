"""From an answer in OpenAI's chat-completions format to the port's completion; pure.

Source: https://platform.openai.com/docs/api-reference/chat, and what compatible servers send. An
end that is not known is a failure, never an answer: a cut answer looks like a whole one.
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
"""Ends by what they mean, in lower case."""

_FAILED = {
    "error": ErrorClass.SERVER,
    "network_error": ErrorClass.SERVER,
    "abort": ErrorClass.SERVER,
    "aborted": ErrorClass.SERVER,
    "cancelled": ErrorClass.SERVER,
    "insufficient_system_resource": ErrorClass.OVERLOADED,
}
"""Ends that say that no whole answer came."""

_TEXT_PARTS = frozenset({"text", "output_text"})
_REASONING_TEXTS = ("reasoning_content", "reasoning")


def completion(document: Json, call: ChatCall) -> Completion:
    """What a 200 answer to this call says.

    Raises:
        ProviderError: BAD_RESPONSE if there is no message in it, or its end is not known; the
            class of the error that some compatible servers send with status 200. What the call
            used is in it.
    """
    used = usage.usage(part(document, "usage"), name(document.get("service_tier")))
    with keeping_usage(used):
        return _completion(document, used, call)


def _completion(document: Json, used: Usage, call: ChatCall) -> Completion:
    told = _error_in(document)
    if told is not None:
        raise told
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise bad_answer("holds no choice")
    choice = choices[0]
    said = choice.get("message")
    if not isinstance(said, dict):
        raise bad_answer("holds no message")
    message = _message(said, call)
    finish = _finish(choice, message)
    return Completion(
        message=message,
        # A forced call ends with `stop` at OpenAI, and so does any call at Ollama.
        finish_reason=_TOOLS if finish == _STOP and "tool_calls" in message else finish,
        usage=believable(used, message),
        response_model=name(document.get("model")),
        response_id=name(document.get("id")),
        logprobs=_logprobs(choice.get("logprobs")) if choice.get("logprobs") else None,
    )


def _finish(choice: Json, message: Json) -> str:
    said = choice.get("finish_reason")
    failure = _error_in(choice)
    if failure is not None:
        raise ProviderError(failure.error_class, f"the answer ended: {failure}", status=200)
    if said is None:
        # Some servers give no reason for a whole answer; without an answer it is none.
        if message.get("content") or message.get("tool_calls") or message.get("refusal"):
            return _STOP
        raise bad_answer("is empty and gives no finish reason")
    known = said.lower() if isinstance(said, str) else ""
    if known in _FAILED:
        raise ProviderError(
            _FAILED[known], f"the answer ended with finish reason {known}", status=200
        )
    if known not in _FINISH:
        raise bad_answer("has a finish reason that is not known")
    if _FINISH[known] == _TOOLS and not message.get("tool_calls"):
        raise bad_answer("ends with a tool call and holds none")
    return _FINISH[known]


def _error_in(document: Json) -> ProviderError | None:
    """The error that stands in an answer or a choice, also beside what was said until then; some
    servers send it as a text, or in a list.
    """
    said = document.get("error") or document.get("errors")
    if not said:
        return None
    error = error_object({"error": said})
    return refusal_of(_status(error.get("code"), 500), error, inside=True)


def _status(code: object, otherwise: int) -> int:
    is_status = isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600
    return code if is_status else otherwise  # type: ignore[return-value]


def _message(said: Json, call: ChatCall) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": _spoken(said.get("content"))}
    calls = said.get("tool_calls") or None
    if not isinstance(calls, list | None):
        raise bad_answer("holds tool calls that are no list")
    if calls:
        taken = ids_of(call.body.get("messages"))
        message["tool_calls"] = [
            _tool_call(each, taken, call.call_id, number)
            for number, each in enumerate(few_calls(calls))
        ]
    if text(said.get("refusal")):
        message["refusal"] = said["refusal"]
    for field in _REASONING_TEXTS:
        if text(said.get(field)):
            message[field] = said[field]
    thought = _thought(said.get("content"))
    if thought and "reasoning_content" not in message:
        message["reasoning_content"] = thought
    details = objects(said.get("reasoning_details"))
    if details:
        message["reasoning_details"] = kept(details)
    if part(said, "extra_content"):
        message["extra_content"] = kept(said["extra_content"])
    return message


def _spoken(content: object) -> str | None:
    """Text, also where it comes in parts, as from Mistral's reasoning models, or as texts.

    Raises:
        ProviderError: BAD_RESPONSE; it is neither: something was said and can't be read.
    """
    if isinstance(content, str | None):
        return content
    if not isinstance(content, list) or not all(map(_is_part, few_parts(content))):
        raise bad_answer("holds content that is no text")
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


def _thought(content: object) -> str:
    """The reasoning among the parts of an answer; Mistral's is itself in parts."""
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
        raise bad_answer("holds a broken tool call")
    called, arguments = name(function.get("name")), function.get("arguments")
    if not called:
        raise bad_answer("holds a tool call without a name")
    if not isinstance(arguments, str | dict | None):
        raise bad_answer("holds a tool call whose arguments are no object")
    # Some compatible servers send the arguments as the object that they stand for.
    said = json_text(arguments) if isinstance(arguments, dict) else arguments
    result: dict[str, Any] = {
        "id": fresh_id(name(call.get("id")), taken, seed, number),
        "type": "function",
        "function": {"name": called, "arguments": said or "{}"},
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
