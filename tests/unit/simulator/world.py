"""What simulator tests share: a running one, and plain HTTP to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from infra.simulator.process import Running, SimulatorOptions, simulator

PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
MODELS = {"openai": "gpt-4o", "anthropic": "claude-opus-4-20250514"}
FORMATS = tuple(PATHS)


@dataclass
class Caller:
    """Plain HTTP to a simulator, in one of its formats."""

    name: str
    running: Running
    http: httpx.AsyncClient

    async def ask(
        self, prompt: str = "Hi", *, call_id: str | None = None, **body: Any
    ) -> httpx.Response:
        headers = {"anthropic-version": "2023-06-01"} if self.name == "anthropic" else {}
        if call_id is not None:
            headers["X-Client-Request-Id"] = call_id
        document: dict[str, Any] = {
            "model": MODELS[self.name],
            "messages": [{"role": "user", "content": prompt}],
            **body,
        }
        if self.name == "anthropic":
            document.setdefault("max_tokens", 1_000)
        return await self.http.post(PATHS[self.name], json=document, headers=headers)

    def text(self, response: httpx.Response) -> str:
        document = response.json()
        content = (
            document["choices"][0]["message"]["content"]
            if self.name == "openai"
            else document["content"][0]["text"]
        )
        return str(content)


def run(case: Awaitable[Any]) -> Any:
    """Run a case to its end."""

    async def scenario() -> Any:
        return await case

    return asyncio.run(scenario())


@asynccontextmanager
async def calling(name: str = "openai", **options: Any) -> AsyncIterator[Caller]:
    """A simulator in this loop, and a caller of it."""
    async with (
        simulator(SimulatorOptions(**options)) as running,
        httpx.AsyncClient(base_url=running.url, timeout=20) as http,
    ):
        yield Caller(name=name, running=running, http=http)
