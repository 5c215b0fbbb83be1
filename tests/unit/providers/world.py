"""The base of provider tests: a real simulator and a scripted server, both over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
from aiohttp import web

from infra.simulator.process import Running, SimulatorOptions, simulator
from streams.providers.anthropic.adapter import AnthropicProvider
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.openai.adapter import OpenAIProvider
from streams.providers.port import (
    AnswerDelta,
    ChatCall,
    Completion,
    DeltaSink,
    Endpoint,
    ErrorClass,
    Provider,
    ProviderError,
    Timeouts,
)
from streams.registry.model_families import refused_by_family

MODELS = {"openai": "gpt-4o", "anthropic": "claude-opus-4-20250514"}
FORMATS = tuple(MODELS)
QUICK = Timeouts(connect=2.0, read=10.0, total=10.0)
KEYS = KeyRing(environment={"SOME_API_KEY": "sk-some", "SECRET": "not yours"})
HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def chat(model: str, timeouts: Timeouts = QUICK, **body: Any) -> ChatCall:
    """A call; `messages` is `HI` unless given."""
    return ChatCall(
        call_id="call-1",
        model=model,
        body={"messages": HI, **body},
        timeouts=timeouts,
        unsupported=refused_by_family(model),
    )


@dataclass
class Wire:
    """One wire format against one address."""

    name: str
    url: str
    provider: Provider
    running: Running | None = None
    now_s: float = 1_800_000_000.0

    async def ask(self, *, timeouts: Timeouts = QUICK, **body: Any) -> Completion:
        model = body.pop("model", MODELS[self.name])
        return await self.provider.complete(chat(model, timeouts, **body), self.endpoint)

    async def stream(
        self, *, timeouts: Timeouts = QUICK, on_delta: DeltaSink | None = None, **body: Any
    ) -> tuple[Completion, list[AnswerDelta]]:
        """Make a streamed call; return its completion and its deltas."""
        parts: list[AnswerDelta] = []
        model = body.pop("model", MODELS[self.name])
        call = replace(chat(model, timeouts, **body), on_delta=on_delta or parts.append)
        return await self.provider.complete(call, self.endpoint), parts

    async def broken(
        self, *, timeouts: Timeouts = QUICK, **body: Any
    ) -> tuple[ProviderError, list[AnswerDelta]]:
        """Make a streamed call; return the error that must result, and the deltas before it."""
        parts: list[AnswerDelta] = []
        model = body.pop("model", MODELS[self.name])
        call = replace(chat(model, timeouts, **body), on_delta=parts.append)
        with pytest.raises(ProviderError) as caught:
            await self.provider.complete(call, self.endpoint)
        return caught.value, parts

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(name="here", base_url=self.url, api_key_env="SOME_API_KEY")

    async def refused(self, *, timeouts: Timeouts = QUICK, **body: Any) -> ProviderError:
        """Call, and return the error that must result."""
        with pytest.raises(ProviderError) as caught:
            await self.ask(timeouts=timeouts, **body)
        return caught.value


def run(case: Awaitable[Any]) -> Any:
    """Run a case to its end."""

    async def scenario() -> Any:
        return await case

    return asyncio.run(scenario())


@asynccontextmanager
async def provider_of(
    name: str, hosts: HostPolicy | None = None, now_s: float = 0.0
) -> AsyncIterator[Provider]:
    kind = {"openai": OpenAIProvider, "anthropic": AnthropicProvider}[name]
    provider = kind(KEYS, hosts or HostPolicy(), now_s=lambda: now_s)
    try:
        yield provider
    finally:
        await provider.close()


@asynccontextmanager
async def simulated(name: str, **options: Any) -> AsyncIterator[Wire]:
    """A format against the real simulator."""
    async with (
        simulator(SimulatorOptions(**options)) as running,
        provider_of(name) as provider,
    ):
        yield Wire(name=name, url=running.url, provider=provider, running=running)


@dataclass
class ReceivedRequests:
    """What a server was sent: method, path with query, headers and body of each request."""

    paths: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)


@asynccontextmanager
async def served(
    name: str, handler: Handler, *, now_s: float = 0.0
) -> AsyncIterator[tuple[Wire, ReceivedRequests]]:
    """A format against a server of the test, which records what it received."""
    received = ReceivedRequests()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        received.paths.append(request.path_qs)
        received.headers.append(dict(request.headers))
        received.bodies.append(orjson.loads(await request.read()))
        return await handler(request)

    runner = web.ServerRunner(web.Server(handle, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    try:
        async with provider_of(name, now_s=now_s) as provider:
            yield Wire(name=name, url=f"http://127.0.0.1:{port}", provider=provider), received
    finally:
        await runner.cleanup()


def answering(
    document: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Handler:
    """A handler that always answers this: bytes as they are, else as JSON."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(
            status=status, body=body, headers=headers, content_type="application/json"
        )

    return handle


def frames(*events: Any) -> bytes:
    """Server-sent events with these data: bytes as they are, else as JSON; with their `type` as
    name, if they have one.
    """
    found = []
    for event in events:
        data = event if isinstance(event, bytes) else orjson.dumps(event)
        kind = event.get("type") if isinstance(event, dict) else None
        found.append((f"event: {kind}\n".encode() if kind else b"") + b"data: " + data + b"\n\n")
    return b"".join(found)


def streaming(*pieces: bytes, headers: Mapping[str, str] | None = None) -> Handler:
    """A handler that always answers with an event stream of these pieces."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        response.headers.update(headers or {})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    return handle


@asynccontextmanager
async def raw_server(name: str, response: bytes, *, hold: bool = False) -> AsyncIterator[Wire]:
    """A format against a socket that sends these bytes to any client, HTTP or not.

    It closes the connection after them, or with `hold` stays silent until the caller leaves.
    """

    ended: list[asyncio.Event] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        over = asyncio.Event()
        ended.append(over)
        try:
            await respond(reader, writer)
        except ConnectionError:
            return
        finally:
            writer.close()
            over.set()

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        await writer.drain()
        if hold:
            while await reader.read(65_536):
                continue

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with provider_of(name) as provider:
            yield Wire(name=name, url=f"http://127.0.0.1:{port}", provider=provider)
    finally:
        server.close()
        await server.wait_closed()
        for over in ended:
            await over.wait()


def good(name: str, **changes: Any) -> dict[str, Any]:
    """A plain 200 answer in a wire format, with changes at its top."""
    if name == "openai":
        message = {"role": "assistant", "content": "Hello."}
        return {
            "id": "chatcmpl-1",
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 3},
            **changes,
        }
    return {
        "id": "msg_1",
        "model": "claude-opus-4-20250514",
        "content": [{"type": "text", "text": "Hello."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 3},
        **changes,
    }


def is_class(error: ProviderError, wanted: ErrorClass) -> bool:
    """Whether an error is of a class, and shows neither key nor prompt."""
    text = str(error)
    return error.error_class is wanted and "sk-some" not in text and "Hi" not in text
