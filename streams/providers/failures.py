"""From a provider's refusal to the class that the fallback rules go by.

The codes, types and wordings of OpenAI, Azure, Anthropic and vLLM are known here. Sources:
https://platform.openai.com/docs/guides/error-codes, https://docs.anthropic.com/en/api/errors,
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter.

A provider's own message is searched, never quoted: it may repeat a prompt or a part of a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from streams.providers.base import ErrorClass, ProviderError
from streams.providers.transport import Exchange

_BY_NAME: Mapping[str, ErrorClass] = {
    "context_length_exceeded": ErrorClass.CONTEXT_LENGTH,
    "request_too_large": ErrorClass.CONTEXT_LENGTH,
    "string_above_max_length": ErrorClass.CONTEXT_LENGTH,
    "content_filter": ErrorClass.CONTENT_FILTER,
    "content_policy_violation": ErrorClass.CONTENT_FILTER,
    "responsibleaipolicyviolation": ErrorClass.CONTENT_FILTER,
    "insufficient_quota": ErrorClass.AUTH,
    "billing_error": ErrorClass.AUTH,
    "billing_hard_limit_reached": ErrorClass.AUTH,
    "invalid_api_key": ErrorClass.AUTH,
    "authentication_error": ErrorClass.AUTH,
    "permission_error": ErrorClass.AUTH,
    "model_not_found": ErrorClass.AUTH,
    "deploymentnotfound": ErrorClass.AUTH,
    "not_found_error": ErrorClass.AUTH,
    "rate_limit_exceeded": ErrorClass.RATE_LIMITED,
    "rate_limit_error": ErrorClass.RATE_LIMITED,
    "overloaded_error": ErrorClass.OVERLOADED,
    "timeout_error": ErrorClass.TIMEOUT,
}
# `server_error` and `api_error` are not here: the status says more, since OpenAI sends the first
# with 503 when it is overloaded.

# 404 is a model that is not there or that this key may not use: another instance may have it.
_BY_STATUS: Mapping[int, ErrorClass] = {
    401: ErrorClass.AUTH,
    402: ErrorClass.AUTH,
    403: ErrorClass.AUTH,
    404: ErrorClass.AUTH,
    408: ErrorClass.TIMEOUT,
    409: ErrorClass.SERVER,
    413: ErrorClass.CONTEXT_LENGTH,
    425: ErrorClass.SERVER,
    429: ErrorClass.RATE_LIMITED,
    503: ErrorClass.OVERLOADED,
    529: ErrorClass.OVERLOADED,
}

_BY_WORDING: tuple[tuple[re.Pattern[str], ErrorClass], ...] = (
    (
        re.compile(
            r"maximum context length|context window|context length|prompt is too long|"
            r"too many (input )?tokens|exceed\w* the (model's )?(maximum|context)|"
            r"input is too long|reduce the length",
            re.IGNORECASE,
        ),
        ErrorClass.CONTEXT_LENGTH,
    ),
    (
        re.compile(
            r"content (management )?policy|content filter|safety system|usage polic(y|ies)",
            re.IGNORECASE,
        ),
        ErrorClass.CONTENT_FILTER,
    ),
    (re.compile(r"credit balance|exceeded your current quota", re.IGNORECASE), ErrorClass.AUTH),
)

LONGEST_PAUSE_S = 3_600.0
"""Longest pause that a provider may ask for: a mistake must not switch an instance off for good."""

_WORDED = frozenset({400, 413, 422})
_PRINTABLE = re.compile(r"^[A-Za-z0-9_.\[\]-]{1,64}$")
_EXAMINED_CHARACTERS = 4_000


def refusal(exchange: Exchange, now_s: Callable[[], float]) -> ProviderError:
    """The error of an answer whose status is not 2xx. `now_s` is Unix time, for HTTP dates."""
    return refusal_of(
        exchange.status, _error_object(exchange.body), retry_after_s(exchange.headers, now_s)
    )


def refusal_of(
    status: int, error: Mapping[str, Any], retry_after: float | None = None
) -> ProviderError:
    """The error for a status and a decoded error object of either wire format."""
    names = [str(error[field]) for field in ("code", "type") if error.get(field) is not None]
    inner = error.get("innererror")
    if isinstance(inner, Mapping) and inner.get("code"):
        names.append(str(inner["code"]))
    found = _class_of(status, names, str(error.get("message", ""))[:_EXAMINED_CHARACTERS])
    shown = [name for name in (*names, str(error.get("param") or "")) if _PRINTABLE.match(name)]
    what = f" ({', '.join(dict.fromkeys(shown))})" if shown else ""
    return ProviderError(
        found,
        f"the provider answered {status}{what}",
        status=status,
        retry_after_s=retry_after,
    )


def _class_of(status: int, names: list[str], message: str) -> ErrorClass:
    named = [_BY_NAME[name.lower()] for name in names if name.lower() in _BY_NAME]
    if named:
        return named[0]
    if status in _WORDED:
        for wording, found in _BY_WORDING:
            if wording.search(message):
                return found
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 400:
        # Neither an answer nor a refusal: the request is not at fault, another endpoint may serve.
        return ErrorClass.BAD_RESPONSE
    return ErrorClass.SERVER if status >= 500 else ErrorClass.BAD_REQUEST


def _error_object(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(document, list) and document:
        # Google's OpenAI-compatible door wraps its error in a list.
        document = document[0]
    if not isinstance(document, dict):
        return {}
    error = document.get("error", document)
    if isinstance(error, dict):
        return error
    return {"message": error} if isinstance(error, str) else {}


def retry_after_s(headers: httpx.Headers, now_s: Callable[[], float]) -> float | None:
    """The pause in seconds that the provider asks for: `retry-after-ms`, or `retry-after` as
    seconds or as an HTTP date (RFC 9110, 10.2.3); an hour at most. `None` if it asks for none that
    can be read.
    """
    asked = _asked_pause_s(headers, now_s)
    return None if asked is None else min(asked, LONGEST_PAUSE_S)


def _asked_pause_s(headers: httpx.Headers, now_s: Callable[[], float]) -> float | None:
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None or text is None:
        return seconds
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without a zone is GMT by the RFC; Python leaves it naive.
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(at.timestamp() - now_s(), 0.0)


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
