"""Every provider error gets a class, with the pause that the provider requests."""

from __future__ import annotations

from typing import Any

import pytest

from infra.simulator.faults import InjectedFault
from streams.providers.port import ErrorClass, ProviderError
from tests.unit.providers.world import (
    FORMATS,
    MODELS,
    answering,
    chat,
    is_class,
    run,
    served,
    simulated,
)

SIMULATED: dict[str, tuple[InjectedFault, ErrorClass]] = {
    "rate limit": (InjectedFault(kind="rate_limit"), ErrorClass.RATE_LIMITED),
    "overloaded": (InjectedFault(kind="overloaded"), ErrorClass.OVERLOADED),
    "filter": (InjectedFault(kind="content_filter"), ErrorClass.CONTENT_FILTER),
    "context": (InjectedFault(kind="context_length"), ErrorClass.CONTEXT_LENGTH),
    "400": (InjectedFault(kind="status", status=400), ErrorClass.BAD_REQUEST),
    "401": (InjectedFault(kind="status", status=401), ErrorClass.AUTH),
    "403": (InjectedFault(kind="status", status=403), ErrorClass.AUTH),
    "404": (InjectedFault(kind="status", status=404), ErrorClass.AUTH),
    "408": (InjectedFault(kind="status", status=408), ErrorClass.TIMEOUT),
    "413": (InjectedFault(kind="status", status=413), ErrorClass.CONTEXT_LENGTH),
    "422": (InjectedFault(kind="status", status=422), ErrorClass.BAD_REQUEST),
    "429": (InjectedFault(kind="status", status=429), ErrorClass.RATE_LIMITED),
    "500": (InjectedFault(kind="status", status=500), ErrorClass.SERVER),
    "502": (InjectedFault(kind="status", status=502), ErrorClass.SERVER),
    "302 without an address": (InjectedFault(kind="status", status=302), ErrorClass.BAD_RESPONSE),
    "redirect": (InjectedFault(kind="redirect"), ErrorClass.BAD_RESPONSE),
    "cut": (InjectedFault(kind="cut"), ErrorClass.BAD_RESPONSE),
    "bad JSON": (InjectedFault(kind="bad_json"), ErrorClass.BAD_RESPONSE),
    "giant": (InjectedFault(kind="giant"), ErrorClass.BAD_RESPONSE),
    "disconnect": (InjectedFault(kind="disconnect"), ErrorClass.CONNECTION),
}


@pytest.mark.parametrize("name", FORMATS)
def test_faults_of_a_provider_arrive_as_their_class_and_the_next_call_is_answered(
    name: str,
) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            assert wire.running is not None
            for what, (fault, wanted) in SIMULATED.items():
                wire.running.faults.replace([fault])
                error = await wire.refused()
                assert is_class(error, wanted), (what, error.error_class, str(error))
                wire.running.faults.replace([])
                assert (await wire.ask()).message["content"], what

    run(case())


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_key_is_an_auth_error_of_the_provider_too(name: str) -> None:
    async def case() -> None:
        async with simulated(name, require_key=True) as wire:
            assert (await wire.ask()).message["content"]
            endpoint = type(wire.endpoint)(name="here", base_url=wire.url)
            with pytest.raises(ProviderError) as caught:
                await wire.provider.complete(chat(MODELS[name]), endpoint)
            assert is_class(caught.value, ErrorClass.AUTH)
            assert caught.value.status == 401

    run(case())


def _error(name: str, status: int, document: Any, headers: Any = None) -> ProviderError:
    async def case() -> Any:
        async with served(name, answering(document, status, headers), now_s=NOW_S) as (wire, _):
            return await wire.refused()

    found: ProviderError = run(case())
    return found


NOW_S = 1_000_000_000.0  # Sun, 09 Sep 2001 01:46:40 GMT

PAUSES: dict[str, tuple[dict[str, str], float | None]] = {
    "seconds": ({"retry-after": "7"}, 7.0),
    "parts of a second": ({"retry-after": "0.5"}, 0.5),
    "milliseconds": ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    "a date": ({"retry-after": "Sun, 09 Sep 2001 01:47:10 GMT"}, 30.0),
    "a date of another zone": ({"retry-after": "Sun, 09 Sep 2001 03:47:10 +0200"}, 30.0),
    "a date without a zone": ({"retry-after": "Sun, 09 Sep 2001 01:47:10 -0000"}, 30.0),
    "a date that is past": ({"retry-after": "Sun, 09 Sep 2001 01:00:00 GMT"}, 0.0),
    "thousands of digits": ({"retry-after": "9" * 5_000}, 3_600.0),
    "thousands of digits of ms": ({"retry-after-ms": "9" * 5_000}, 3_600.0),
    "an impossible date": ({"retry-after": "Fri, 99 Dec 99999 99:99:99 GMT"}, None),
    "a date beyond all clocks": ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -2359"}, 3_600.0),
    "a zone that is none": ({"retry-after": "Fri, 31 Dec 2021 23:59:59 +9999999999"}, None),
    "an empty text": ({"retry-after": ""}, None),
    "signs": ({"retry-after": ", ,:::"}, None),
    "digits of another script": ({"retry-after": "٣"}, None),
    "a negative number": ({"retry-after": "-5"}, None),
    "no number": ({"retry-after": "nan"}, None),
    "endless": ({"retry-after": "inf"}, None),
    "a year that no calendar has": ({"retry-after": "Sun, 09 Sep 99999 01:47:10 GMT"}, None),
    "the first year, east of it": ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0.0),
    "words": ({"retry-after": "soon"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("what", PAUSES)
def test_retry_after_is_read_in_all_its_forms(what: str) -> None:
    headers, wanted = PAUSES[what]
    assert _error("openai", 429, {}, headers).retry_after_s == wanted


@pytest.mark.parametrize("name", FORMATS)
def test_the_simulator_s_rate_limit_names_its_pause(name: str) -> None:
    async def case() -> None:
        async with simulated(name) as wire:
            assert wire.running is not None
            wire.running.faults.replace([InjectedFault(kind="rate_limit", retry_after_s=2.5)])
            assert (await wire.refused()).retry_after_s == 2.5

    run(case())


def _openai(code: str | None, message: str = "", kind: str | None = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code, "param": None}}


NAMED: dict[str, tuple[int, Any, ErrorClass]] = {
    "no quota": (429, _openai("insufficient_quota"), ErrorClass.AUTH),
    "too long": (400, _openai("context_length_exceeded"), ErrorClass.CONTEXT_LENGTH),
    "vLLM, too long": (
        400,
        {"object": "error", "message": "This model's maximum context length is 4096 tokens."},
        ErrorClass.CONTEXT_LENGTH,
    ),
    "Azure's filter": (
        400,
        {"error": {"code": "content_filter", "innererror": {"code": "x"}}},
        ErrorClass.CONTENT_FILTER,
    ),
    "Azure's filter, inside": (
        400,
        {"error": {"code": "400", "innererror": {"code": "ResponsibleAIPolicyViolation"}}},
        ErrorClass.CONTENT_FILTER,
    ),
    "no such deployment": (404, _openai("DeploymentNotFound"), ErrorClass.AUTH),
    "Anthropic without credit": (
        400,
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "Your credit balance is too low"},
        },
        ErrorClass.AUTH,
    ),
    "Anthropic, overloaded": (
        529,
        {"type": "error", "error": {"type": "overloaded_error"}},
        ErrorClass.OVERLOADED,
    ),
    "Google's list": (
        400,
        [{"error": {"code": 400, "message": "The input exceeds the maximum context"}}],
        ErrorClass.CONTEXT_LENGTH,
    ),
    "Mistral, unavailable": (
        503,
        {
            "object": "error",
            "message": "Service unavailable.",
            "type": "internal_server_error",
            "param": None,
            "code": "1000",
        },
        ErrorClass.OVERLOADED,
    ),
    "an error that is text": (400, {"error": "prompt is too long"}, ErrorClass.CONTEXT_LENGTH),
    **{
        f"Bedrock, {kind}": (status, {"__type": f"com.amazon.coral.service#{kind}"}, wanted)
        for kind, status, wanted in (
            ("ThrottlingException", 400, ErrorClass.RATE_LIMITED),
            ("ServiceQuotaExceededException", 400, ErrorClass.RATE_LIMITED),
            ("ModelNotReadyException", 400, ErrorClass.OVERLOADED),
            ("ModelNotReadyException:http://internal.amazon.com/", 429, ErrorClass.OVERLOADED),
            ("ServiceUnavailableException", 400, ErrorClass.OVERLOADED),
            ("ModelTimeoutException", 400, ErrorClass.TIMEOUT),
            ("ModelErrorException", 400, ErrorClass.SERVER),
            ("AccessDeniedException", 400, ErrorClass.AUTH),
            ("ExpiredTokenException", 400, ErrorClass.AUTH),
            ("ValidationException", 400, ErrorClass.BAD_REQUEST),
        )
    },
    "Bedrock, too long": (
        400,
        {"__type": "ValidationException", "message": "Input is too long for requested model."},
        ErrorClass.CONTEXT_LENGTH,
    ),
    "Bedrock, its other spelling": (
        400,
        {"Message": "Input is too long for requested model."},
        ErrorClass.CONTEXT_LENGTH,
    ),
    **{
        f"Zhipu, {code!r}": (400, _openai(code), wanted)  # type: ignore[arg-type]
        for code, wanted in (
            ("1301", ErrorClass.CONTENT_FILTER),
            ("1302", ErrorClass.RATE_LIMITED),
            (1303, ErrorClass.RATE_LIMITED),
            ("1305", ErrorClass.RATE_LIMITED),
            ("1113", ErrorClass.AUTH),
            (1261, ErrorClass.CONTEXT_LENGTH),
            ("1002", ErrorClass.AUTH),
            ("1210", ErrorClass.BAD_REQUEST),
        )
    },
    "Zhipu, no balance, with 429": (429, _openai("1113"), ErrorClass.AUTH),
    **{
        f"DashScope, {code}": (400, {"code": code, "message": message, "request_id": "r"}, wanted)
        for code, message, wanted in (
            (
                "InvalidParameter",
                "<400> InternalError.Algo.InvalidParameter: Range of input length should be "
                "[1, 30720]",
                ErrorClass.CONTEXT_LENGTH,
            ),
            (
                "InvalidParameter.",
                "Range of max_tokens should be [1, 8192]",
                ErrorClass.CONTEXT_LENGTH,
            ),
            ("DataInspectionFailed", "", ErrorClass.CONTENT_FILTER),
            ("Throttling.RateQuota", "", ErrorClass.RATE_LIMITED),
            ("Arrearage", "", ErrorClass.AUTH),
            ("InvalidParameter..", "Range of top_p should be (0, 1]", ErrorClass.BAD_REQUEST),
        )
    },
    "Anthropic, usage limits": (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "You have reached your specified API usage limits. You will regain "
                "access on 2026-12-01 at 00:00 UTC.",
            },
        },
        ErrorClass.AUTH,
    ),
    "OpenAI, too many tokens a minute": (
        400,
        _openai(None, "You have reached the limit of tokens"),
        ErrorClass.BAD_REQUEST,
    ),
    "no JSON": (502, b"<html>bad gateway</html>", ErrorClass.SERVER),
    "JSON of no shape": (400, [1, 2], ErrorClass.BAD_REQUEST),
    "odd types": (400, {"error": {"code": {}, "type": 3, "message": None}}, ErrorClass.BAD_REQUEST),
}


@pytest.mark.parametrize("what", NAMED)
def test_codes_types_and_wordings_determine_the_class(what: str) -> None:
    status, document, wanted = NAMED[what]
    error = _error("openai", status, document)
    assert (error.error_class, error.status) == (wanted, status)


def test_a_provider_s_own_words_are_never_quoted() -> None:
    message = _openai("bad_thing", "Hi is not a prompt, and sk-some is not a key", "invalid")
    text = str(_error("openai", 400, message))
    assert "bad_thing" in text
    assert "sk-some" not in text
    assert "prompt" not in text


def test_bedrock_s_header_names_the_kind_too() -> None:
    headers = {"x-amzn-errortype": "ThrottlingException:http://internal.amazon.com/"}

    error = _error("openai", 400, {"message": "Too many requests"}, headers)

    assert error.error_class is ErrorClass.RATE_LIMITED


INSIDE: dict[str, tuple[dict[str, Any], ErrorClass]] = {
    "no credit": ({"message": "Your credit balance is too low"}, ErrorClass.AUTH),
    "limits": ({"message": "You have reached your usage limits"}, ErrorClass.AUTH),
    "too long": (
        {"message": "prompt is too long: 9 tokens > 8 maximum"},
        ErrorClass.CONTEXT_LENGTH,
    ),
    "flagged": ({"message": "blocked by our content policy"}, ErrorClass.CONTENT_FILTER),
    "Bedrock": ({"__type": "ThrottlingException"}, ErrorClass.RATE_LIMITED),
    "Zhipu": ({"code": "1302"}, ErrorClass.RATE_LIMITED),
    "anything": ({"message": "it broke"}, ErrorClass.SERVER),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("what", INSIDE)
def test_an_error_with_status_200_is_classified_like_any_other(name: str, what: str) -> None:
    error, wanted = INSIDE[what]

    assert _error(name, 200, {"type": "error", "error": error}).error_class is wanted
