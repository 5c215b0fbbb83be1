"""Classification of a provider's refusal for the fallback rules.

Structured information takes precedence: codes and types, then fields of a single kind of refusal,
then the status. Words decide if a 4xx has nothing else. A 4xx that is not known to be the caller's
fault is `bad_request`, for which another model is tried; only listed faults of the caller are
`invalid_request`. Sources: https://platform.openai.com/docs/guides/error-codes,
https://docs.anthropic.com/en/api/errors, https://openrouter.ai/docs/api-reference/errors,
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter,
https://console.groq.com/docs/errors.

A provider's own message is searched, never quoted: it may repeat a prompt or a part of a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from schemas.encoding.json_bounds import read_text
from streams.providers.http.exchange import Exchange
from streams.providers.port import ErrorClass, ProviderError
from streams.providers.refusals.context_overflow import is_context_overflow
from streams.providers.refusals.error_codes import BY_NAME, BY_STATUS
from streams.providers.refusals.refused_parameters import named_parameter, refused_parameter
from streams.providers.refusals.retry_after import retry_after_s

_FLAGGED = re.compile(
    r"content (management )?polic|content[ _]?filter|safety (system|setting|reason)|"
    r"usage polic(y|ies)|acceptable use|\b(was|been|were|is) flagged|moderation|"
    r"(blocked|rejected|refused|prohibited|violat\w{0,4}) .{0,60}(safety|polic|content|guideline)|"
    r"content exists risk|inappropriate content|sensitive (content|words)|responsible ai",
    re.IGNORECASE | re.DOTALL,
)
_MODERATION_FIELDS = ("reasons", "flagged_input", "flagged_output")
_UNPAID = re.compile(
    r"credit balance|exceeded your current quota|insufficient (balance|credits?|funds|quota)|"
    r"arrearage|out of credits|billing|"
    r"(reached|exceeded|hit) (your |the )?(specified )?(api |monthly |workspace )?usage limit",
    re.IGNORECASE,
)
_KEY = re.compile(
    r"api[ _-]?key (is )?(not valid|invalid|expired|missing)|invalid api[ _-]?key", re.I
)
_BUSY = re.compile(r"overloaded|over capacity|at capacity|capacity exceeded|no capacity", re.I)

_WORDED = frozenset({400, 403, 406, 413, 422})
"""Statuses whose words are examined: the status alone is ambiguous."""

_PRINTABLE = re.compile(r"^[A-Za-z0-9_.\[\]-]{1,64}$")
_EXAMINED_CHARACTERS = 4_000
_MAX_QUOTED = 64_000
_LARGEST_ERROR_BYTES = 512 * 1024
"""A larger body is not an error message, and parsing it takes time; only its status is used."""

_MOST_WRAPPINGS = 4

_KIND_HEADER = "x-amzn-errortype"

_SERVER_FAULTS = 500

_MAY_NAME_PARAMETER = frozenset({400, 422})


def refusal(exchange: Exchange, now_s: Callable[[], float]) -> ProviderError:
    """Return the error of an answer with a status other than 2xx. `now_s` is Unix time, for HTTP
    dates.
    """
    error = _error_object(exchange.body)
    kind = exchange.headers.get(_KIND_HEADER)
    if kind and "__type" not in error:
        error = {**error, "__type": kind}
    return refusal_of(exchange.status, error, retry_after_s(exchange.headers, now_s))


def refusal_of(
    status: int,
    error: Mapping[str, Any],
    retry_after: float | None = None,
    *,
    inside: bool = False,
) -> ProviderError:
    """Return the error for a status and a decoded error object of either wire format. `inside`
    means that it came with status 200; then the words count for any status in it.
    """
    error = _whole(error)
    names = [_text(error[field]) for field in ("code", "type", "status") if error.get(field)]
    if error.get("__type"):
        # `com.amazon.coral.service#ThrottlingException:http://...`
        names.append(_text(error["__type"]).rpartition("#")[2].partition(":")[0])
    inner = error.get("innererror")
    if isinstance(inner, Mapping) and inner.get("code"):
        names.append(_text(inner["code"]))
    message = _message_of(error)
    unsupported = refused_parameter(error, message) if status in _MAY_NAME_PARAMETER else None
    found = _class_of(status, names, error, message, inside=inside)
    if found is not ErrorClass.BAD_REQUEST:
        unsupported = None
    shown = [name for name in (*names, _text(error.get("param") or "")) if _PRINTABLE.match(name)]
    what = f" ({', '.join(dict.fromkeys(shown))})" if shown else ""
    return ProviderError(
        found,
        f"the provider answered {status}{what}",
        status=status,
        retry_after_s=retry_after,
        unsupported=unsupported,
        parameter=named_parameter(error),
    )


def _class_of(
    status: int, names: list[str], error: Mapping[str, Any], message: str, *, inside: bool
) -> ErrorClass:
    # Vendors number their errors differently: with a 5xx such a number is ambiguous.
    is_numbered = status >= _SERVER_FAULTS and not inside
    names = [name for name in names if not (is_numbered and name.isdecimal())]
    named = [BY_NAME[name.lower()] for name in names if name.lower() in BY_NAME]
    if named:
        return named[0]
    metadata = error.get("metadata")
    if isinstance(metadata, Mapping) and any(metadata.get(name) for name in _MODERATION_FIELDS):
        return ErrorClass.CONTENT_FILTER
    worded = _class_by_wording(400 if inside else status, message)
    if worded is not None:
        return worded
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status < 400:
        # Neither an answer nor a refusal: the request is valid, another endpoint may serve.
        return ErrorClass.BAD_RESPONSE
    return ErrorClass.SERVER if status >= 500 else ErrorClass.BAD_REQUEST


def _class_by_wording(status: int, message: str) -> ErrorClass | None:
    """Classify by words, for ambiguous statuses. llama.cpp and Ollama report overflow with 500."""
    if (status in _WORDED or status == 500) and is_context_overflow(message):
        return ErrorClass.CONTEXT_LENGTH
    if status not in _WORDED:
        return None
    if _FLAGGED.search(message):
        return ErrorClass.CONTENT_FILTER
    if _UNPAID.search(message) or _KEY.search(message):
        return ErrorClass.AUTH
    if status != 403 and _BUSY.search(message):
        return ErrorClass.OVERLOADED
    return None


def _message_of(error: Mapping[str, Any]) -> str:
    names = ("message", "msg", "detail", "Message")
    text_value = next((error[name] for name in names if error.get(name)), "")
    return _text(text_value)


def _text(value: object) -> str:
    """Return a value as text to search; empty if it is nested too deeply."""
    if isinstance(value, str):
        return value[:_EXAMINED_CHARACTERS]
    try:
        return orjson.dumps(value)[:_EXAMINED_CHARACTERS].decode(errors="replace")
    except TypeError:
        return ""


def _whole(error: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an error with the fields that its wrapping hides: pydantic's servers list faults under
    `detail`, and gateways quote the vendor's own error, as JSON, in `metadata.raw` or in the
    message.
    """
    detail = error.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        return {**detail[0], **{name: error[name] for name in error if name != "detail"}}
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    for text in (raw, error.get("message")):
        inner = _quoted(text)
        if inner is not None:
            return {**error, **inner}
    return error


def _quoted(text: object) -> Mapping[str, Any] | None:
    if not isinstance(text, str) or not text.startswith("{") or len(text) > _MAX_QUOTED:
        return None
    found = _error_object(text.encode("utf-8", "replace"))
    return {name: found[name] for name in ("message", "code", "type", "param") if name in found}


def _error_object(body: bytes) -> Mapping[str, Any]:
    if len(body) > _LARGEST_ERROR_BYTES:
        return {}
    try:
        document = read_text(body)
    except orjson.JSONDecodeError:
        return {}
    return error_object(document)


def error_object(document: object) -> Mapping[str, Any]:
    """Return the error in a decoded body, which servers wrap in `error`, in `errors`, or in both
    (`{"error": {"error": ...}}`, `{"errors": [...]}`); empty if there is none.
    """
    found = document
    for _ in range(_MOST_WRAPPINGS):
        if isinstance(found, list) and found:
            found = found[0]
        if not isinstance(found, dict):
            break
        inner = found.get("error") or found.get("errors")
        if not isinstance(inner, str | dict | list) or not inner:
            break
        found = inner
    if isinstance(found, dict):
        return found
    return {"message": found} if isinstance(found, str) and found is not document else {}
