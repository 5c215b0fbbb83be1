"""Errors of HTTP requests: status, our code, and what a client should do. Pure.

The bodies in the vendors' shapes are made by the dialects. Codes are those of replies where a reply
is the cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import SluiceError
from schemas.records import Failure


class GatewayCode(StrEnum):
    """Codes of errors that the gateway itself finds."""

    INVALID_REQUEST = "invalid_request"
    NOT_JSON = "invalid_json"
    TOO_LARGE = "too_large"
    ENCODING = "unsupported_encoding"
    NO_KEY = "missing_api_key"
    WRONG_KEY = "invalid_api_key"
    FORBIDDEN = "permission_denied"
    UNKNOWN_MODEL = "model_not_found"
    NOT_FOUND = "not_found"
    METHOD = "method_not_allowed"
    RATE_LIMITED = "rate_limit_exceeded"
    CROWDED = "gateway_overloaded"
    CONFLICT = "idempotency_conflict"
    STARTING = "gateway_starting"
    LOG_AWAY = "kafka_unavailable"
    DEADLINE = "deadline_exceeded"
    INTERNAL = "internal_error"


RETRY_AFTER_S = 1
"""Pause that a client is asked for after a failure that may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Class:
    status: int
    retryable: bool = False


_CLASSES = {
    "invalid_request": _Class(status=400),
    "too_large": _Class(status=413),
    "content_filtered": _Class(status=400),
    "budget_exceeded": _Class(status=429, retryable=True),
    "no_capacity": _Class(status=503, retryable=True),
    "deadline_exceeded": _Class(status=504, retryable=True),
    "all_models_failed": _Class(status=502, retryable=True),
    "duplicate_request": _Class(status=409, retryable=True),
    "internal_error": _Class(status=500),
}
"""Codes of replies. A code that is missing here is an internal error."""


class HttpError(SluiceError):
    """An error answer. `param` names the field at fault; `retry_after_s` asks for a pause."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retryable: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.retryable = retryable
        self.retry_after_s = RETRY_AFTER_S if retryable and retry_after_s is None else retry_after_s


def invalid(message: str, *, param: str | None = None) -> HttpError:
    """Return the error of a request that no retry can mend."""
    return HttpError(400, GatewayCode.INVALID_REQUEST, message, param=param)


def of_failure(failure: Failure) -> HttpError:
    """Return the error answer for the failure that a reply states."""
    found = _CLASSES.get(failure.code, _CLASSES["internal_error"])
    param = None
    if failure.code == GatewayCode.INVALID_REQUEST:
        name, colon, _ = failure.message.partition(":")
        param = name if colon and " " not in name else None
    return HttpError(
        found.status,
        failure.code,
        failure.message,
        param=param,
        retryable=failure.retryable and found.status != 400,
    )
