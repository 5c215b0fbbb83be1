"""Errors of the log as errors of HTTP."""

from __future__ import annotations

import logging

from schemas.errors import DeliveryError, KafkaAwayError, SluiceError
from streams.gateway.errors import GatewayCode, HttpError

log = logging.getLogger(__name__)


def http_error(error: SluiceError) -> HttpError:
    """Return the answer to an error."""
    if isinstance(error, HttpError):
        return error
    if isinstance(error, KafkaAwayError):
        return HttpError(503, GatewayCode.LOG_AWAY, str(error), retryable=True)
    log.error("%s", error)
    if isinstance(error, DeliveryError):
        return HttpError(
            503, GatewayCode.LOG_AWAY, "Kafka did not accept the request; retry", retryable=True
        )
    return unexpected()


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
