"""Refusals by structure, then by words; an unknown one is worth another model, never final."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.providers.port import ErrorClass
from streams.providers.refusals.classification import _error_object, refusal_of

OVERFLOWS = {
    "Anthropic, both": "input length and `max_tokens` exceed context limit: 178959 + 64000 > "
    "200000, decrease input length or `max_tokens` and try again",
    "Anthropic": "prompt is too long: 233153 tokens > 200000 maximum",
    "OpenAI": "This model's maximum context length is 8192 tokens. However, your messages resulted "
    "in 9100 tokens.",
    "OpenAI, configured": "Input tokens exceed the configured limit of 272000 tokens. Your "
    "messages resulted in 300000 tokens.",
    "OpenAI, Responses": "Your input exceeds the context window of this model. Please adjust it.",
    "OpenAI, limit": "max_tokens is too large: 100000. This model supports at most 16384 "
    "completion tokens, whereas you provided 100000.",
    "vLLM": "This model's maximum context length is 262144 tokens. However, you requested 0 output "
    "tokens and your prompt contains at least 262145 input tokens",
    "vLLM, older": "The prompt (total length 25938) is too long to fit into the model (context "
    "length 4096)",
    "SGLang": "Requested token count exceeds the model's maximum context length of 32768 tokens.",
    "llama.cpp": "request (30000 tokens) exceeds the available context size (4096 tokens)",
    "llama.cpp, older": "the request exceeds the available context size, try increasing it",
    "LM Studio": "trying to keep the first 5000 tokens when context the overflows. However, the "
    "model is loaded with context length of only 4096 tokens",
    "Ollama": "input length exceeds context length",
    "TGI": "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens",
    "TGI, input": "Input validation error: `inputs` must have less than 1024 tokens. Given: 1500",
    "Bedrock": "The model returned the following errors: Input is too long for requested model",
    "Gemini": "The input token count (1100000) exceeds the maximum number of tokens allowed "
    "(1048576).",
    "Mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
    "maximum context length",
    "Groq": "Please reduce the length of the messages or completion.",
    "Cohere": "too many tokens: total number of tokens in the prompt cannot exceed 4096 - received "
    "5000",
    "xAI": "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
    "Moonshot": "Invalid request: Your request exceeded model token limit: 8192",
    "MiniMax": "invalid params, context window exceeds limit (2013)",
    "Copilot": "prompt token count of 150000 exceeds the limit of 128000",
    "DeepInfra": "tokens in request more than max tokens allowed: 10000",
    "a gateway": "token limit exceeded",
    "a gateway, in figures": "Sequence length of 9,000 has been exceeded",
    "a server's own log": "Model length exceeds what was allocated",
}


@pytest.mark.parametrize("who", OVERFLOWS)
@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_context_overflow_is_one_in_every_wording(who: str, status: int) -> None:
    error = refusal_of(status, {"message": OVERFLOWS[who], "type": "invalid_request_error"})
    assert error.error_class is ErrorClass.CONTEXT_LENGTH


@pytest.mark.parametrize("window", ["context", "sequence", "prompt", "input", "token", "model"])
@pytest.mark.parametrize("measure", ["window", "length", "size", "limit"])
@pytest.mark.parametrize("verb", ["exceeded", "was exceeded", "of 9,000 has been exceeded"])
def test_every_name_of_a_window_that_is_exceeded_is_an_overflow(
    window: str, measure: str, verb: str
) -> None:
    error = refusal_of(400, {"message": f"The {window} {measure} {verb}."})
    assert error.error_class is ErrorClass.CONTEXT_LENGTH


@pytest.mark.parametrize(
    "message",
    [
        "Rate limit reached on tokens per min (TPM): Limit 10000, too many tokens",
        "Invalid value: 'foo'. Supported values are: 'bar'.",
        "messages: at least one message is required",
        "temperature: must be less than or equal to 2",
        "The image is malformed",
        "",
    ],
)
def test_other_refusals_are_no_overflow_and_are_worth_another_model(message: str) -> None:
    assert refusal_of(400, {"message": message}).error_class is ErrorClass.BAD_REQUEST


CLASSES: dict[str, tuple[int, dict[str, Any], ErrorClass]] = {
    "OpenRouter's moderation": (
        403,
        {"message": "Your input was flagged", "metadata": {"reasons": ["violence"]}},
        ErrorClass.CONTENT_FILTER,
    ),
    "moderation without a word": (
        403,
        {"code": 403, "metadata": {"flagged_input": "x"}},
        ErrorClass.CONTENT_FILTER,
    ),
    "moderation in words": (
        403,
        {"message": "The request was blocked by our content moderation"},
        ErrorClass.CONTENT_FILTER,
    ),
    "a plain 403": (403, {"message": "You may not use this model"}, ErrorClass.AUTH),
    "xAI's safety check": (
        403,
        {"error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE"},
        ErrorClass.CONTENT_FILTER,
    ),
    "DashScope": (
        400,
        {"code": "data_inspection_failed", "message": "inappropriate content"},
        ErrorClass.CONTENT_FILTER,
    ),
    "DeepSeek": (400, {"message": "Content Exists Risk"}, ErrorClass.CONTENT_FILTER),
    "Groq's capacity": (498, {"message": "capacity exceeded"}, ErrorClass.OVERLOADED),
    "529": (529, {}, ErrorClass.OVERLOADED),
    "Moonshot, overloaded": (429, {"type": "engine_overloaded_error"}, ErrorClass.OVERLOADED),
    "DeepSeek, unpaid": (402, {"message": "Insufficient Balance"}, ErrorClass.AUTH),
    "new-api, unpaid": (403, {"code": "insufficient_user_quota"}, ErrorClass.AUTH),
    "504": (504, {}, ErrorClass.TIMEOUT),
    "Cloudflare": (524, {}, ErrorClass.TIMEOUT),
    "Cloudflare, origin away": (522, {}, ErrorClass.CONNECTION),
    "424": (424, {"message": "model error"}, ErrorClass.SERVER),
    "451": (451, {}, ErrorClass.CONTENT_FILTER),
    "418": (418, {"message": "teapot"}, ErrorClass.BAD_REQUEST),
    "444": (444, {}, ErrorClass.BAD_REQUEST),
    "an image that nobody can read": (
        400,
        {"code": "invalid_base64_image"},
        ErrorClass.INVALID_REQUEST,
    ),
    "Gemini's status": (
        429,
        {"code": 429, "status": "RESOURCE_EXHAUSTED"},
        ErrorClass.RATE_LIMITED,
    ),
    "llama.cpp's type": (
        400,
        {"code": 400, "type": "exceed_context_size_error", "n_ctx": 4096},
        ErrorClass.CONTEXT_LENGTH,
    ),
    "OpenRouter quotes a vendor": (
        400,
        {
            "code": 400,
            "message": "Provider returned error",
            "metadata": {
                "raw": '{"error":{"message":"prompt is too long: 9 tokens > 8 maximum"}}',
                "provider_name": "Anthropic",
            },
        },
        ErrorClass.CONTEXT_LENGTH,
    ),
    "pydantic's list": (
        422,
        {"detail": [{"type": "value_error", "loc": ["body"], "msg": "Prompt too long"}]},
        ErrorClass.CONTEXT_LENGTH,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CLASSES)
def test_the_class_of_a_refusal(what: str) -> None:
    status, document, wanted = CLASSES[what]
    error = refusal_of(status, _error_object(orjson.dumps(document)))
    assert error.error_class is wanted
    assert error.status == status


PARAMETERS: dict[str, tuple[dict[str, Any], str | None]] = {
    "OpenAI": (
        {
            "message": "Unsupported parameter: 'temperature' is not supported with this model.",
            "param": "temperature",
            "code": "unsupported_parameter",
        },
        "temperature",
    ),
    "OpenAI, a value": (
        {
            "message": "Unsupported value: 'temperature' does not support 0.7 with this model. "
            "Only the default (1) value is supported.",
            "param": "temperature",
            "code": "unsupported_value",
        },
        "temperature",
    ),
    "OpenAI, the other name": (
        {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            "param": "max_tokens",
            "code": "unsupported_parameter",
        },
        "max_tokens",
    ),
    "Azure, without param": (
        {"message": "Unrecognized request argument supplied: parallel_tool_calls"},
        "parallel_tool_calls",
    ),
    "Anthropic": ({"message": "`temperature` is deprecated for this model."}, "temperature"),
    "Anthropic, two": (
        {"message": "`temperature` and `top_p` cannot both be specified for this model."},
        "temperature",
    ),
    "xAI": ({"message": "Argument not supported on this model: presencePenalty"},
            "presence_penalty"),
    "Groq": (
        {"message": "'messages.2' : property 'reasoning_content' is unsupported"},
        "reasoning_content",
    ),
    "Google": (
        {"message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'},
        "seed",
    ),
    "Mistral": (
        {
            "detail": [
                {"type": "extra_forbidden", "loc": ["body", "logprobs"],
                 "msg": "Extra inputs are not permitted"}
            ]
        },
        "logprobs",
    ),
    "a path": (
        {"message": "Unknown parameter: 'messages[1].reasoning_content'.",
         "param": "messages[1].reasoning_content", "code": "unknown_parameter"},
        "reasoning_content",
    ),
    "what can't be left out": (
        {"message": "Unsupported parameter: 'tools'", "param": "tools",
         "code": "unsupported_parameter"},
        None,
    ),
    "a word of a sentence": (
        {"message": "We do not store what is not supported. Please stop and reseed."}, None,
    ),
    "a wrong value": ({"message": "temperature: must be at most 2", "param": "temperature"}, None),
    "an overflow": ({"message": "max_tokens: 100000 > 8192, which is the maximum allowed number of "
                     "output tokens; more is not supported"}, None),
}  # fmt: skip


@pytest.mark.parametrize("who", PARAMETERS)
def test_a_refusal_names_the_parameter_that_may_be_left_out(who: str) -> None:
    document, wanted = PARAMETERS[who]
    assert refusal_of(400, _error_object(orjson.dumps(document))).unsupported == wanted


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_only_a_bad_request_teaches_a_parameter(status: int) -> None:
    error = {"message": "Unsupported parameter: 'temperature'", "code": "unsupported_parameter"}
    assert refusal_of(status, error).unsupported is None


def _deep(levels: int) -> object:
    value: object = "x"
    for number in range(levels):
        value = [value] if number % 2 else {"a": value}
    return value


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500, 503, 529])
@pytest.mark.parametrize("levels", [250, 500, 1_000])
@pytest.mark.parametrize(
    "field", ["message", "msg", "detail", "code", "type", "status", "param", "metadata", "loc"]
)
def test_a_body_nested_a_thousand_levels_keeps_the_class_of_its_status(
    status: int, levels: int, field: str
) -> None:
    plain = refusal_of(status, {}).error_class

    assert refusal_of(status, {field: _deep(levels)}).error_class is plain
    assert refusal_of(status, {field: {"code": _deep(levels)}}).error_class is plain
    assert refusal_of(status, {"innererror": {"code": _deep(levels)}}).error_class is plain


@pytest.mark.parametrize(
    "wrap",
    [
        lambda error: {"error": {"error": error}},
        lambda error: {"errors": [error]},
        lambda error: {"success": False, "errors": [{"error": error}]},
        lambda error: [{"error": [error]}],
    ],
    ids=["twice", "list", "list of wrapped", "list in list"],
)
def test_an_error_counts_in_whatever_it_is_wrapped(wrap: Any) -> None:
    error = {"code": 4242, "message": "the prompt is too long: 9000 tokens > 8192 maximum"}
    found = refusal_of(400, _error_object(orjson.dumps(wrap(error))))
    assert found.error_class is ErrorClass.CONTEXT_LENGTH


@pytest.mark.parametrize(
    "message", ["API key expired. Please renew it.", "api_key is invalid", "Invalid API-key given"]
)
def test_a_key_that_is_refused_with_400_is_no_fault_of_the_request(message: str) -> None:
    assert refusal_of(400, {"message": message}).error_class is ErrorClass.AUTH


@pytest.mark.parametrize(
    ("error", "parameter"),
    [
        ({"param": "temperature"}, "temperature"),
        ({"param": "messages[0].content"}, "messages[0].content"),
        ({"loc": ["body", "messages", 0, "role"]}, "messages.0.role"),
        ({"param": "what you said: my secret"}, None),
        ({"param": 5}, None),
        ({"loc": ["x"] * 50}, None),
        ({}, None),
    ],
)
def test_the_field_that_a_refusal_names_is_a_path_or_nothing(
    error: dict[str, Any], parameter: str | None
) -> None:
    assert refusal_of(400, {"message": "no", **error}).parameter == parameter
