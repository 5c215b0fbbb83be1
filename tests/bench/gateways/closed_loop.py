"""Closed loops of HTTP clients: as many requests in flight as named, each sent after an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.bench.trees import BenchError

WARM_UP_SHARE = 0.15
_CONTENT, _NO_CONTENT = b'"content":"', b'"content":""'


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where chat completions are asked for: `body` and `headers` are added to each request."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What a loop measured: requests/s, CPU-ms a request of each process, and the median time to
    the first content of a streamed answer, ms (0 for plain answers).
    """

    per_s: float
    cpu_ms: tuple[float, ...]
    first_ms: float


async def closed_loop(
    endpoint: Endpoint,
    prompts: Sequence[str],
    count: int,
    in_flight: int,
    *,
    stream: bool,
    cpu_s: Sequence[Callable[[], float]],
) -> Loop:
    """Ask the prompts in turn, `count` times after a warm-up. `cpu_s` read each process's CPU
    seconds.

    Raises:
        BenchError: an answer is no success.
    """
    clients = _Clients(endpoint, prompts, stream=stream)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await clients.ask(session, max(in_flight, round(count * WARM_UP_SHARE)), in_flight)
        clients.firsts_ms.clear()
        before = [read() for read in cpu_s]
        begun = time.perf_counter()
        await clients.ask(session, count, in_flight)
        took = time.perf_counter() - begun
        used = [read() - at for read, at in zip(cpu_s, before, strict=True)]
    firsts = sorted(clients.firsts_ms)
    return Loop(
        per_s=count / took,
        cpu_ms=tuple(each * 1000 / count for each in used),
        first_ms=firsts[len(firsts) // 2] if firsts else 0.0,
    )


class _Clients:
    def __init__(self, endpoint: Endpoint, prompts: Sequence[str], *, stream: bool) -> None:
        self._endpoint = endpoint
        self._prompts = prompts
        self._stream = stream
        self._asked = 0
        self.firsts_ms: list[float] = []

    async def ask(self, session: aiohttp.ClientSession, count: int, in_flight: int) -> None:
        left = iter(range(count))

        async def client() -> None:
            for _ in left:
                await self._ask(session)

        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(client())

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        at = self._endpoint
        content = self._prompts[self._asked % len(self._prompts)]
        self._asked += 1
        messages = [{"role": "user", "content": content}]
        body = {**at.body, "messages": messages, "stream": self._stream}
        begun = time.perf_counter()
        async with session.post(at.url, json=body, headers=at.headers) as answer:
            if answer.status != 200:
                raise BenchError(f"{at.url} answered {answer.status}: {await answer.text():.300}")
            if self._stream:
                async for chunk in answer.content.iter_any():
                    if _CONTENT in chunk.replace(_NO_CONTENT, b""):
                        self.firsts_ms.append((time.perf_counter() - begun) * 1000)
                        break
            await answer.read()
