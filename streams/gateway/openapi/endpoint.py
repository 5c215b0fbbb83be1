"""`GET /openapi.json`: the OpenAPI document. It needs no key and no registry."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from streams.gateway.openapi.document import openapi_document


async def serve_openapi(_: Request) -> Response:
    """Answer a request."""
    return Response(openapi_document(), media_type="application/json")
