"""Reading of request bodies: bounded in size and time, each and together, and JSON objects only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from schemas.encoding import exact_json
from schemas.encoding.json_bounds import crowd_in
from schemas.encoding.nesting import MAX_CONTAINERS, MAX_VALUES
from streams.gateway.errors import GatewayCode, HttpError, invalid
from streams.gateway.limits import BodyBuffers

BODY_S = 60.0
"""Time in which a client must send a whole body."""

_LARGEST_LENGTH = 18


@asynccontextmanager
async def body_of(request: Request, limit: int, buffers: BodyBuffers) -> AsyncIterator[bytes]:
    """Yield the body of a request; its bytes count as held until the block ends.

    Raises:
        HttpError: 413 above `limit` bytes; 408 if it does not arrive in time; 415 if it is
            compressed; 503 if the bodies of all requests are too large together.
        ClientDisconnect: the client is gone.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HttpError(
            415, GatewayCode.ENCODING, "content-encoding: send the body without compression"
        )
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and (len(announced) > _LARGEST_LENGTH or int(announced) > limit):
        raise _too_large(limit)
    received = bytearray()
    try:
        await _receive(request, limit, buffers, received)
        yield bytes(received)
    finally:
        buffers.give_back(len(received))


async def _receive(request: Request, limit: int, buffers: BodyBuffers, received: bytearray) -> None:
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                if len(received) + len(chunk) > limit:
                    raise _too_large(limit)
                buffers.take(len(chunk))
                received += chunk
    except TimeoutError:
        raise HttpError(
            408, GatewayCode.INVALID_REQUEST, f"the body did not arrive within {BODY_S:g} s"
        ) from None


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body.

    Raises:
        HttpError: 400; it is none, or holds too many values.
    """
    crowd = crowd_in(body, MAX_VALUES, MAX_CONTAINERS)
    if crowd is not None:
        raise invalid(f"the body holds {crowd}")
    try:
        found = exact_json.loads(body)
    except orjson.JSONDecodeError as error:
        raise HttpError(
            400, GatewayCode.NOT_JSON, f"the body is not valid JSON: {error.msg} at {error.pos}"
        ) from None
    if not isinstance(found, dict):
        raise HttpError(400, GatewayCode.NOT_JSON, "the body is not a JSON object")
    return found


def _too_large(limit: int) -> HttpError:
    return HttpError(
        413, GatewayCode.TOO_LARGE, f"the body is larger than the limit of {limit} bytes"
    )


__all__ = ["ClientDisconnect", "body_of", "read_object"]
