"""HTTP server of the simulator: the providers' routes, and `/admin`.

aiohttp's bare server without an application's router and middlewares: it shares its cores with what
it measures. A handler whose client disconnects is cancelled, and that is recorded.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import orjson
from aiohttp import web

from core.http_origin import address_of, refusal
from infra.simulator.admin import Admin
from infra.simulator.call_facts import CheckedCall, RequestRejectedError, need
from infra.simulator.draws import Chance
from infra.simulator.fault_responses import UNANSWERED, misbehave
from infra.simulator.faults import FaultTable, InjectedFault
from infra.simulator.latency import LatencyTable
from infra.simulator.ledger import Arrival, Ledger
from infra.simulator.openai import wire as openai_wire
from infra.simulator.responses.response_builder import ResponseBuilder, Serving
from infra.simulator.streaming import StreamSender
from infra.simulator.wire import ANTHROPIC, OPENAI, WireFormat, respond

CALL_ID = "X-Client-Request-Id"
MAX_BODY_BYTES = 32 * 1024 * 1024

_AZURE = re.compile(r"^/openai/deployments/([^/]+)/chat/completions$")
_ROUTES = {
    "/v1/chat/completions": OPENAI,
    "/chat/completions": OPENAI,
    "/v1/messages": ANTHROPIC,
    "/messages": ANTHROPIC,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorComponents:
    """Components of a simulator."""

    responses: ResponseBuilder
    ledger: Ledger
    faults: FaultTable
    latency: LatencyTable
    chance: Chance
    require_key: bool = False
    now_s: Callable[[], float] = time.time


class Simulator:
    """Answers calls; the HTTP server runs `handle`."""

    def __init__(self, parts: SimulatorComponents) -> None:
        self._parts = parts
        self._admin = Admin(parts.faults, parts.latency, parts.ledger)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Handle one HTTP request; requests of web pages of other origins are refused."""
        foreign = _foreign(request)
        if foreign is not None:
            return respond(403, openai_wire.error(403, foreign))
        path = request.path
        if path.startswith("/admin/"):
            return await self._admin.handle(request)
        wire, deployment = _ROUTES.get(path), None
        azure = _AZURE.match(path) if wire is None else None
        if azure is not None and "api-version" in request.query:
            wire, deployment = OPENAI, azure[1]
        if wire is None:
            return respond(404, openai_wire.error(404, "Unknown request URL"))
        if request.method != "POST":
            return respond(405, wire.error(405, "Only POST is served here"))
        return await self._call(request, wire, deployment)

    async def _call(
        self, request: web.BaseRequest, wire: WireFormat, deployment: str | None
    ) -> web.StreamResponse:
        parts = self._parts
        raw = await _read(request)
        if raw is None:
            arrival = parts.ledger.arrived(request.headers.get(CALL_ID), wire.name, None)
            parts.ledger.ended(arrival, status=413)
            return respond(413, wire.error(413, "Request exceeds the maximum size"))
        body = _document(raw)
        if deployment is not None and body is not None:
            body["model"] = deployment
        model = body.get("model") if body is not None else None
        model = model if isinstance(model, str) else None
        arrival = parts.ledger.arrived(request.headers.get(CALL_ID), wire.name, model)
        refused = self._turned_away(request, wire)
        if refused is not None:
            parts.ledger.ended(arrival, status=refused.status)
            return refused
        key = arrival.call_id or str(arrival.number)
        fault = parts.faults.strike(model or "", key)
        if fault is not None and fault.kind == "error_event" and not (body or {}).get("stream"):
            fault = replace(fault, kind="overloaded")
        try:
            if fault is not None and fault.kind == "hang":
                await self._hang(arrival)
            if fault is not None and fault.kind in UNANSWERED:
                status = UNANSWERED[fault.kind](fault, wire)
                parts.ledger.ended(arrival, status=status, fault=fault.kind)
                return await misbehave(request, fault, wire, b"")
            need(body is not None, wire.not_json)
            checked = wire.read(body or {})
        except RequestRejectedError as error:
            parts.ledger.ended(arrival, status=400)
            return respond(400, wire.refusal(error))
        return await self._answer(request, _Call(wire, arrival, key, checked, fault))

    async def _answer(self, request: web.BaseRequest, call: _Call) -> web.StreamResponse:
        parts, fault = self._parts, call.fault
        serving = parts.responses.prepare(call.checked)
        kind = None if fault is None else fault.kind
        delay = parts.latency.delay_s(call.checked.model, call.key)
        if fault is not None and kind == "slow":
            delay += fault.delay_ms / 1000
        at_s = int(parts.now_s())
        if call.checked.stream:
            frames = call.wire.stream(call.checked, serving, call.key, at_s, parts.chance)
            size = 0 if fault is None else fault.bytes
            sender = StreamSender(request, frames, fault=kind, giant_bytes=size)
            return await sender.send(
                delay, lambda client: self._book(call, serving, kind, client=client)
            )
        try:
            if delay > 0:
                await asyncio.sleep(delay)
        except asyncio.CancelledError:
            # The model had begun, so the call is billed, though the client is gone.
            self._book(call, serving, kind, client=False)
            raise
        there = request.transport is not None and not request.transport.is_closing()
        self._book(call, serving, kind, client=there)
        body = call.wire.answer(call.checked, serving, call.key, at_s, parts.chance)
        if fault is not None and kind != "slow":
            return await misbehave(request, fault, call.wire, body)
        return respond(200, body)

    async def _hang(self, arrival: Arrival) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self._parts.ledger.ended(arrival, status=None, fault="hang", client=False)

    def _book(self, call: _Call, serving: Serving, fault: str | None, *, client: bool) -> None:
        self._parts.ledger.ended(
            call.arrival,
            status=200,
            served=serving.served,
            fault=fault,
            source=serving.answer.source,
            client=client,
        )

    def _turned_away(self, request: web.BaseRequest, wire: WireFormat) -> web.Response | None:
        headers = request.headers
        if wire is ANTHROPIC and "anthropic-version" not in headers:
            return respond(400, wire.error(400, "anthropic-version: header is required"))
        keyed = any(name in headers for name in ("authorization", "x-api-key", "api-key"))
        if self._parts.require_key and not keyed:
            return respond(401, wire.error(401, "You didn't provide an API key"))
        return None


@dataclass(frozen=True, slots=True)
class _Call:
    wire: WireFormat
    arrival: Arrival
    key: str
    checked: CheckedCall
    fault: InjectedFault | None


def _foreign(request: web.BaseRequest) -> str | None:
    local = request.transport and request.transport.get_extra_info("sockname")
    headers = request.headers
    return refusal(address_of(local), headers.get("Host"), headers.get("Origin"))


async def _read(request: web.BaseRequest) -> bytes | None:
    """Return the body; `None` if it is larger than the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return None
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _document(raw: bytes) -> dict[str, object] | None:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None
