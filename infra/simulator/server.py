"""The simulator's HTTP server: the providers' routes, and `/admin` to steer and to witness."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from infra.simulator import wire
from infra.simulator.answers import AnswerBook
from infra.simulator.faults import Fault, FaultKind, Latency, Weather
from infra.simulator.ledger import Ledger

HANG_S = 600.0
GIANT_BYTES = 8 * 1024 * 1024
_MAX_BODY = 32 * 1024 * 1024
_REASONS = re.compile(r"\bo[13]\b|^o[13](-|$)")
_FAULTS = TypeAdapter(list[Fault])
_LATENCIES = TypeAdapter(dict[str, Latency])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """How a provider's calls are read and answered."""

    provider: str
    check: Callable[[Any], None]
    prompt: Callable[[Any], str]
    answer: Callable[..., bytes]


_OPENAI = _Format(
    provider="openai",
    check=wire.check_openai,
    prompt=wire.openai_prompt,
    answer=wire.openai_answer,
)
_ANTHROPIC = _Format(
    provider="anthropic",
    check=wire.check_anthropic,
    prompt=wire.anthropic_prompt,
    answer=wire.anthropic_answer,
)


class Simulator:
    """Serves both formats from a book of answers, in the weather that is set."""

    def __init__(self, book: AnswerBook, ledger: Ledger, weather: Weather) -> None:
        self._book = book
        self._ledger = ledger
        self.weather = weather

    def application(self) -> web.Application:
        """The aiohttp application."""
        application = web.Application(client_max_size=_MAX_BODY)
        add = application.router
        add.add_post("/v1/chat/completions", self._openai)
        add.add_post("/openai/deployments/{model}/chat/completions", self._openai)
        add.add_post("/v1/messages", self._anthropic)
        add.add_get("/admin/health", self._health)
        add.add_get("/admin/weather", self._get_weather)
        add.add_put("/admin/faults", self._set_faults)
        add.add_put("/admin/latency", self._set_latency)
        add.add_get("/admin/ledger", self._get_ledger)
        return application

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, _OPENAI)

    async def _anthropic(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, _ANTHROPIC)

    async def _serve(self, request: web.Request, form: _Format) -> web.StreamResponse:
        raw = await request.read()
        call_id = request.headers.get("X-Client-Request-Id") or uuid.uuid4().hex
        try:
            body = orjson.loads(raw)
            body.setdefault("model", request.match_info.get("model"))
            form.check(body)
        except (orjson.JSONDecodeError, wire.RefusedBodyError, KeyError, AttributeError) as error:
            self._ledger.arrive(call_id, "?")
            self._ledger.end(call_id, form.provider, "?", "400", None)
            return _error(400, "invalid_request_error", str(error))
        model = body["model"]
        self._ledger.arrive(call_id, model)
        if pause := self.weather.latency_ms(model, call_id):
            await asyncio.sleep(pause / 1000)
        fault = self.weather.fault(model, call_id)
        if fault is not None and fault.kind is not FaultKind.EMPTY:
            return await self._fail(request, form, fault, call_id, model)
        answer = self._book.answer(form.prompt(body), model)
        counted = wire.count(len(raw), answer, reasons=_REASONS.search(model) is not None)
        self._ledger.end(call_id, form.provider, model, "ok", counted)
        content = form.answer(body, answer, counted, call_id)
        return web.Response(body=content, content_type="application/json")

    async def _fail(
        self, request: web.Request, form: _Format, fault: Fault, call_id: str, model: str
    ) -> web.StreamResponse:
        if fault.kind is FaultKind.HANG:
            try:
                await asyncio.sleep(HANG_S)
            finally:
                self._ledger.end(call_id, form.provider, model, "hang", None)
        self._ledger.end(call_id, form.provider, model, fault.kind.value, None)
        if fault.kind is FaultKind.STATUS:
            return _error(fault.status, fault.code, "simulated", fault.retry_after_s)
        if fault.kind is FaultKind.BAD_JSON:
            return web.Response(body=b'{"choices": [', content_type="application/json")
        response = web.StreamResponse(headers={"content-type": "application/json"})
        response.content_length = GIANT_BYTES
        await response.prepare(request)
        if fault.kind is FaultKind.GIANT:
            await response.write(b" " * GIANT_BYTES)
            return response
        await response.write(b'{"choices": [')
        if request.transport is not None:
            request.transport.close()
        return response

    async def _health(self, _: web.Request) -> web.Response:
        return _json({"healthy": True, "prompts": len(self._book)})

    async def _get_weather(self, _: web.Request) -> web.Response:
        return _json(self.weather.as_json())

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            self.weather.faults = _FAULTS.validate_json(await request.read())
        except ValidationError as error:
            return _error(400, "invalid", str(error))
        return _json(self.weather.as_json())

    async def _set_latency(self, request: web.Request) -> web.Response:
        try:
            given = _LATENCIES.validate_json(await request.read())
        except ValidationError as error:
            return _error(400, "invalid", str(error))
        self.weather.latency = {"*": Latency(), **given}
        return _json(self.weather.as_json())

    async def _get_ledger(self, request: web.Request) -> web.Response:
        totals = self._ledger.totals()
        if request.query.get("calls"):
            totals["calls"] = self._ledger.ended
        return _json(totals)


def _json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


def _error(
    status: int, code: str, message: str, retry_after_s: float | None = None
) -> web.Response:
    headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
    body = {"error": {"type": code, "code": code, "message": message}}
    return web.Response(
        status=status, headers=headers, body=orjson.dumps(body), content_type="application/json"
    )
