"""Errors of HTTP requests: status, our code, and what a client should do. Pure.

The bodies in the vendors' shapes are made by the dialects. Codes are those of replies where a reply
is the cause.
"""

from __future__ import annotations

from enum import StrEnum

from schemas.errors import SluiceError
from schemas.records import CANCELLED, Failure


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


_STATUSES = {
    "invalid_request": 400,
    "too_large": 413,
    "content_filtered": 400,
    "budget_exceeded": 429,
    "no_capacity": 503,
    "deadline_exceeded": 504,
    "all_models_failed": 502,
    "duplicate_request": 409,
    CANCELLED: 409,
}
"""Status by code of a reply; 500 for any other."""


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
    status = _STATUSES.get(failure.code, 500)
    is_invalid = failure.code == GatewayCode.INVALID_REQUEST
    return HttpError(
        status,
        failure.code,
        failure.message,
        param=param_of(failure.message) if is_invalid else None,
        retryable=failure.retryable and status != 400,
    )


def param_of(message: str) -> str | None:
    """Return the field that a message of the contract's checks begins with, if it names one."""
    name, colon, _ = message.partition(":")
    return name if colon and " " not in name else None
