"""Each fault on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from aiohttp import web

from infra.simulator.faults import InjectedFault
from infra.simulator.wire import WireFormat, respond

_CHUNK = b" " * 65_536

StatusOf = Callable[[InjectedFault, WireFormat], int | None]


def _own_status(fault: InjectedFault, _: WireFormat) -> int | None:
    return fault.status


def _nothing(_: InjectedFault, __: WireFormat) -> int | None:
    return None


def _redirect(_: InjectedFault, __: WireFormat) -> int | None:
    return 307


def _special(fault: InjectedFault, wire: WireFormat) -> int | None:
    return wire.special[fault.kind][0]


UNANSWERED: Mapping[str, StatusOf] = {
    "status": _own_status,
    "rate_limit": _special,
    "overloaded": _special,
    "content_filter": _special,
    "context_length": _special,
    "redirect": _redirect,
    "disconnect": _nothing,
}
"""Faults before a model runs, so nothing is billed; with their status."""


async def misbehave(
    request: web.BaseRequest, fault: InjectedFault, wire: WireFormat, body: bytes
) -> web.StreamResponse:
    """Respond with the fault; `body` is the response without it."""
    retry = fault.retry_after_s
    if fault.kind == "rate_limit" and retry is None:
        retry = 1.0
    headers = {} if retry is None else {"retry-after": f"{retry:g}"}
    if fault.kind in wire.special:
        status, body = wire.special[fault.kind]
        return respond(status, body, headers)
    if fault.kind == "status":
        return respond(fault.status, wire.error(fault.status, "A fault is switched on."), headers)
    if fault.kind == "redirect":
        return web.Response(status=307, headers={"location": "/elsewhere"})
    if fault.kind == "bad_json":
        return respond(200, body[: len(body) // 2] + b"<html>")
    if fault.kind == "giant":
        return await _giant(request, fault.bytes)
    return await _broken_off(request, body, stalls=fault.kind == "stall")


async def _giant(request: web.BaseRequest, size: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    await pour(response, size)
    return response


async def pour(response: web.StreamResponse, size: int) -> None:
    """Send at least this number of bytes, or as many as the caller reads."""
    try:
        for _ in range(-(-size // len(_CHUNK))):
            await response.write(_CHUNK)
    except ConnectionError:
        # The caller has read enough, which is the purpose of this fault.
        return


async def _broken_off(request: web.BaseRequest, body: bytes, *, stalls: bool) -> web.StreamResponse:
    """Announce the whole body, send half of it, and close, or send nothing more; without a body
    only close.
    """
    response = web.StreamResponse(headers={"content-type": "application/json"})
    if body:
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
    if stalls:
        await asyncio.Event().wait()
    if request.transport is not None:
        request.transport.close()
    return response
