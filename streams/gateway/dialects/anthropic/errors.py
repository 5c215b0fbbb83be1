"""Errors in Anthropic's form (https://docs.anthropic.com/en/api/errors)."""

from __future__ import annotations

from typing import Any

from streams.gateway.errors import GatewayCode, HttpError

OVERLOADED = 529
"""Status of a server without room for a request."""

_NO_ROOM = frozenset({"no_capacity", str(GatewayCode.CROWDED)})
_OTHERS = "api_error"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "invalid_request_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}


def status_of(error: HttpError) -> int:
    """Return the status of an error: 529 where there is no room for the request."""
    return OVERLOADED if error.status == 503 and str(error.code) in _NO_ROOM else error.status


def error_body(error: HttpError, request_id: str) -> dict[str, Any]:
    """Return the body of an error. The SDKs read our code from `details.error_code`, other clients
    from `code`. The request id is null for a request that was refused before it had one.
    """
    code = str(error.code)
    return {
        "type": "error",
        "error": {
            "type": _TYPES.get(status_of(error), _OTHERS),
            "message": error.message,
            "code": code,
            "details": {"error_code": code},
        },
        "request_id": request_id or None,
    }
