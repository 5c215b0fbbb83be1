"""Bodies of requests: bounded, each and together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.requests import Request

from streams.gateway.endpoints.bodies import body_of
from streams.gateway.errors import GatewayCode, HttpError
from streams.gateway.limits import BodyBuffers

_LIMIT = 100


def _request(pieces: Iterable[bytes]) -> Request:
    left = list(pieces)

    async def receive() -> dict[str, Any]:
        piece = left.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(left)}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def _read(buffers: BodyBuffers, *pieces: bytes) -> bytes:
    async with body_of(_request(pieces), _LIMIT, buffers) as body:
        assert buffers.held >= len(body)
        return body


def test_a_body_is_held_until_its_block_ends() -> None:
    buffers = BodyBuffers(_LIMIT)
    assert asyncio.run(_read(buffers, b"a" * 60, b"b" * 40)) == b"a" * 60 + b"b" * 40
    assert buffers.held == 0


@pytest.mark.parametrize(
    ("held", "pieces", "status"),
    [
        (0, (b"a" * 60, b"b" * 41), 413),
        (50, (b"a" * 30, b"b" * 21), 503),
    ],
    ids=["too large alone", "too large with others"],
)
def test_a_refused_body_is_held_no_more(held: int, pieces: tuple[bytes, ...], status: int) -> None:
    buffers = BodyBuffers(_LIMIT)
    buffers.take(held)
    with pytest.raises(HttpError) as refused:
        asyncio.run(_read(buffers, *pieces))
    assert refused.value.status == status
    assert buffers.held == held


def test_a_refusal_for_all_bodies_may_be_retried() -> None:
    buffers = BodyBuffers(_LIMIT)
    buffers.take(_LIMIT)
    with pytest.raises(HttpError) as refused:
        asyncio.run(_read(buffers, b"a"))
    assert (refused.value.code, refused.value.retryable) == (GatewayCode.CROWDED, True)


def test_a_timeout_of_the_work_with_a_body_is_not_a_slow_client() -> None:
    async def case() -> None:
        async with body_of(_request([b"a"]), _LIMIT, BodyBuffers(_LIMIT)):
            raise TimeoutError("the work")

    with pytest.raises(TimeoutError, match="the work"):
        asyncio.run(case())
