"""The ASGI application of a gateway: routes, refusals of web pages, errors outside of a route."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from core.http_origin import address_of, refusal
from schemas.errors import DeliveryError, KafkaAwayError
from streams.gateway.context import GatewayContext
from streams.gateway.dialects.anthropic.dialect import Messages
from streams.gateway.dialects.openai.dialect import ChatCompletions
from streams.gateway.dialects.port import VendorDialect
from streams.gateway.endpoints.completions import Completions
from streams.gateway.endpoints.failures import error_response
from streams.gateway.endpoints.feedback import Feedback
from streams.gateway.endpoints.models import ANTHROPIC_VERSION, Models
from streams.gateway.endpoints.responses import ResponseCreation, StoredResponseEndpoints
from streams.gateway.endpoints.token_counts import TokenCounts
from streams.gateway.errors import GatewayCode, HttpError
from streams.gateway.openapi.endpoint import serve_openapi

log = logging.getLogger(__name__)

MESSAGES = "/v1/messages"
"""Anthropic's endpoint. Errors at and below it are in Anthropic's form."""

RESPONSES = "/v1/responses"


def gateway_application(context: GatewayContext) -> Starlette:
    """Return the application that serves the endpoints."""
    chat = Completions(ChatCompletions(), context).serve
    messages = Completions(Messages(), context).serve
    stored = StoredResponseEndpoints(context)
    count = TokenCounts(Messages(), context).serve
    models = Models(context).serve
    application = Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route(MESSAGES, messages, methods=["POST"]),
            Route(f"{MESSAGES}/count_tokens", count, methods=["POST"]),
            Route(RESPONSES, ResponseCreation(context).serve, methods=["POST"]),
            Route(f"{RESPONSES}/{{id}}", stored.retrieve, methods=["GET"]),
            Route(f"{RESPONSES}/{{id}}/cancel", stored.cancel, methods=["POST"]),
            Route("/v1/models", models, methods=["GET"]),
            Route("/v1/models/{model:path}", models, methods=["GET"]),
            Route("/v1/feedback", Feedback(context).serve, methods=["POST"]),
            Route("/openapi.json", serve_openapi, methods=["GET"]),
        ],
        middleware=[Middleware(_RefuseWebPages)],
        exception_handlers={
            HttpError: _refused,
            HTTPException: _not_found,
            KafkaAwayError: _log_away,
            DeliveryError: _log_away,
            Exception: _failed,
        },
    )
    application.router.redirect_slashes = False
    return application


class _RefuseWebPages:
    """Refuses requests of web pages of other origins: an open gateway on loopback would serve any
    page in a browser of its machine.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            why = refusal(
                address_of(scope.get("server")),
                request.headers.get("host"),
                request.headers.get("origin"),
            )
            if why is not None:
                error = HttpError(403, GatewayCode.FORBIDDEN, why)
                await _error_response(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    return _error_response(request, error)


async def _not_found(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 405:
        found = HttpError(405, GatewayCode.METHOD, f"{request.method} is not allowed here")
    else:
        found = HttpError(
            404,
            GatewayCode.NOT_FOUND,
            "unknown URL; there are POST /v1/chat/completions, POST /v1/responses, POST "
            "/v1/messages, POST /v1/messages/count_tokens, POST /v1/feedback, GET /v1/models and "
            "GET /openapi.json",
        )
    return _error_response(request, found)


async def _log_away(request: Request, error: Exception) -> Response:
    log.warning("%s", error)
    found = HttpError(503, GatewayCode.LOG_AWAY, "Kafka did not accept this; retry", retryable=True)
    return _error_response(request, found)


async def _failed(request: Request, error: Exception) -> Response:
    log.error("a request failed unexpectedly", exc_info=error)
    return _error_response(
        request, HttpError(500, GatewayCode.INTERNAL, "the gateway failed; see its log")
    )


def _dialect_of(request: Request) -> VendorDialect:
    path = request.url.path
    is_messages = path == MESSAGES or path.startswith(f"{MESSAGES}/")
    return Messages() if is_messages or ANTHROPIC_VERSION in request.headers else ChatCompletions()


def _error_response(request: Request, error: HttpError) -> Response:
    return error_response(_dialect_of(request), error, "", {})
