"""`POST /v1/messages/count_tokens`: an estimate of a request's input tokens.

No provider is asked, since the model is not chosen yet. The count is the estimate that routing uses
(`streams.routing.features.request_features.estimate_tokens`): texts by their scripts, images at a
fixed size. It is no vendor's count; files and PDF documents count as a few tokens.
"""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from streams.gateway.admission import admit
from streams.gateway.context import GatewayContext
from streams.gateway.dialects.anthropic.request import parse_messages
from streams.gateway.dialects.port import VendorDialect
from streams.gateway.endpoints.bodies import body_of, read_object
from streams.gateway.limits import KeyLimits
from streams.routing.features.request_features import estimate_tokens
from streams.routing.parameters.extra_body import accepted_names


class TokenCounts:
    """Serves estimates. They have rate limits of their own, as high as the key's."""

    def __init__(self, dialect: VendorDialect, context: GatewayContext) -> None:
        self._dialect = dialect
        self._context = context
        self._limits = KeyLimits()

    async def serve(self, request: Request) -> Response:
        """Answer a request."""
        context = self._context
        snapshot = context.snapshot
        caller = context.caller(request.headers)
        limit = self._limits.take(caller.key, context.clock.elapsed_ms())
        headers = {} if limit is None else self._dialect.limit_headers(limit, context.now_s())
        if limit is not None:
            limit.check()
        limit_bytes = context.settings.gateway_max_body_bytes
        async with body_of(request, limit_bytes, context.buffers) as body:
            extra_names = accepted_names(snapshot.models.values())
            parsed = parse_messages(read_object(body), extra_names, is_counted=True)
            admitted = admit(parsed, caller, snapshot, request.headers, context.settings.alias_of)
            count = {"input_tokens": estimate_tokens(admitted.document)}
        return Response(orjson.dumps(count), media_type="application/json", headers=dict(headers))
