"""Errors as answers: those of the log, and all of them in a vendor's form."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from starlette.responses import Response

from schemas.errors import AnswerChangedError, DeliveryError, KafkaAwayError, SluiceError
from streams.gateway.dialects.port import VendorDialect
from streams.gateway.errors import GatewayCode, HttpError

log = logging.getLogger(__name__)


def http_error(error: SluiceError) -> HttpError:
    """Return the answer to an error."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, KafkaAwayError):
        return HttpError(503, GatewayCode.LOG_AWAY, str(error), retryable=True)
    if isinstance(error, AnswerChangedError):
        return HttpError(503, GatewayCode.INTERNAL, str(error), retryable=True)
    log.error("%s", error)
    if isinstance(error, DeliveryError):
        return HttpError(
            503, GatewayCode.LOG_AWAY, "Kafka did not accept the request; retry", retryable=True
        )
    return unexpected()


def error_response(
    dialect: VendorDialect, error: HttpError, request_id: str, headers: Mapping[str, str]
) -> Response:
    """Return an error in a vendor's form, with what its SDKs read of retries, and more headers."""
    found = {**headers, "x-should-retry": "true" if error.retryable else "false"}
    if error.retry_after_s is not None:
        found["retry-after"] = str(max(round(error.retry_after_s), 1))
        found["retry-after-ms"] = str(max(round(error.retry_after_s * 1000), 1))
    return Response(
        orjson.dumps(dialect.error(error, request_id)),
        status_code=dialect.status(error),
        media_type="application/json",
        headers=found,
    )


def out_of_time() -> HttpError:
    """Return the answer to a request without a reply before its deadline."""
    return HttpError(
        504,
        GatewayCode.DEADLINE,
        "no answer before the deadline; allow more time with deadline_ms, or check that workers "
        "run",
        retryable=True,
    )


def unexpected() -> HttpError:
    """Return the answer to a defect of the gateway."""
    return HttpError(500, GatewayCode.INTERNAL, "the gateway failed; see its log")
