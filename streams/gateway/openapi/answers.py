"""Schemas of answers, events and errors. Clients of a vendor see that vendor's fields; `sluice`
says how an answer came about.
"""

from __future__ import annotations

from streams.gateway.openapi.shapes import (
    ANY,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    array_of,
    described,
    one_of,
    or_null,
    ref,
    thing,
)

_WAY = {
    "request_id": TEXT,
    "model": or_null(TEXT),
    "provider": or_null(TEXT),
    "tier": or_null(TEXT),
    "tiers_tried": array_of(TEXT),
    "cost_usd": or_null(described(NUMBER, "Cost of all calls, USD; null if it is not known.")),
    "baseline_cost_usd": or_null(described(NUMBER, "Cost of the baseline model, USD.")),
    "degraded": FLAG,
    "usage_reported": FLAG,
}
_CHAT_USAGE = thing({"prompt_tokens": WHOLE, "completion_tokens": WHOLE, "total_tokens": WHOLE})
_ANTHROPIC_USAGE = thing({"input_tokens": WHOLE, "output_tokens": WHOLE})
_FINISH = or_null(one_of("stop", "length", "tool_calls", "content_filter"))
_CHAT_MODEL = thing({"id": TEXT, "object": one_of("model"), "created": WHOLE, "owned_by": TEXT})
_ANTHROPIC_MODEL = thing(
    {"type": one_of("model"), "id": TEXT, "display_name": TEXT, "created_at": TEXT}
)


def answer_schemas() -> dict[str, Schema]:
    """Return the schemas of answers, events and errors by their name."""
    return {
        **_chat(),
        **_responses(),
        **_messages(),
        **_models(),
        "Way": thing(_WAY, optional=("usage_reported",)),
        "TokenCount": thing({"input_tokens": WHOLE}),
        "FeedbackAccepted": thing(
            {"object": one_of("feedback"), "request_id": TEXT, "status": one_of("accepted")}
        ),
        "OpenAIError": thing(
            {"error": thing({"message": TEXT, "type": TEXT, "param": or_null(TEXT), "code": TEXT})}
        ),
        "AnthropicError": thing(
            {
                "type": one_of("error"),
                "error": thing(
                    {
                        "type": TEXT,
                        "message": TEXT,
                        "code": TEXT,
                        "details": thing({"error_code": TEXT}),
                    }
                ),
                "request_id": or_null(TEXT),
            }
        ),
        "OpenApiDocument": thing({"openapi": TEXT, "info": ANY, "paths": ANY}),
    }


def _chat() -> dict[str, Schema]:
    message = thing(
        {
            "role": one_of("assistant"),
            "content": or_null(TEXT),
            "refusal": or_null(TEXT),
            "tool_calls": array_of({"type": "object"}),
        },
        optional=("tool_calls",),
    )
    choice = thing({"index": WHOLE, "message": message, "logprobs": ANY, "finish_reason": _FINISH})
    part = thing({"index": WHOLE, "delta": {"type": "object"}, "finish_reason": _FINISH})
    head = {"id": TEXT, "created": WHOLE, "model": or_null(TEXT)}
    completion = {
        **head,
        "object": one_of("chat.completion"),
        "choices": array_of(choice),
        "usage": described(_CHAT_USAGE, "Missing if the provider did not report it."),
        "sluice": ref("Way"),
    }
    chunk = {
        **head,
        "object": one_of("chat.completion.chunk"),
        "choices": array_of(part),
        "usage": or_null(_CHAT_USAGE),
        "sluice": described(ref("Way"), "In the last chunk."),
    }
    return {
        "ChatCompletion": thing(completion, optional=("usage",)),
        "ChatCompletionChunk": described(
            {"anyOf": [thing(chunk, optional=("usage", "sluice")), ref("OpenAIError")]},
            "The data of one event; the stream ends with the data `[DONE]`, or with an error.",
        ),
    }


def _responses() -> dict[str, Schema]:
    statuses = ("queued", "in_progress", "completed", "incomplete", "failed", "cancelled")
    usage = thing({"input_tokens": WHOLE, "output_tokens": WHOLE, "total_tokens": WHOLE})
    response = {
        "id": TEXT,
        "object": one_of("response"),
        "created_at": WHOLE,
        "status": one_of(*statuses),
        "model": TEXT,
        "output": array_of(thing({"type": TEXT})),
        "error": or_null(thing({"code": TEXT, "message": TEXT})),
        "incomplete_details": or_null(thing({"reason": TEXT})),
        "usage": described(usage, "Missing if the provider did not report it."),
        "sluice": described({"type": "object"}, "Of a response that ended: how it came about."),
    }
    event = {"type": TEXT, "sequence_number": WHOLE, "response": ref("Response")}
    return {
        "Response": thing(response, optional=("usage", "sluice")),
        "ResponseEvent": thing(event, optional=("response",), description="The data of one event."),
    }


def _messages() -> dict[str, Schema]:
    message = {
        "id": TEXT,
        "type": one_of("message"),
        "role": one_of("assistant"),
        "model": TEXT,
        "content": array_of(thing({"type": TEXT})),
        "stop_reason": or_null(
            one_of("end_turn", "max_tokens", "tool_use", "stop_sequence", "refusal")
        ),
        "stop_sequence": or_null(TEXT),
        "usage": _ANTHROPIC_USAGE,
        "sluice": ref("Way"),
    }
    return {
        "Message": thing(message),
        "MessageEvent": thing(
            {
                "type": one_of(
                    *("ping", "error", "message_start", "message_delta", "message_stop"),
                    *("content_block_start", "content_block_delta", "content_block_stop"),
                )
            },
            description="The data of one event.",
        ),
    }


def _models() -> dict[str, Schema]:
    anthropic_list = thing(
        {
            "data": array_of(_ANTHROPIC_MODEL),
            "has_more": FLAG,
            "first_id": or_null(TEXT),
            "last_id": or_null(TEXT),
        }
    )
    openai_list = thing({"object": one_of("list"), "data": array_of(_CHAT_MODEL)})
    return {
        "Model": {"anyOf": [_CHAT_MODEL, _ANTHROPIC_MODEL]},
        "ModelList": {"anyOf": [openai_list, anthropic_list]},
    }
