"""The gateway that is attacked, and what is watched meanwhile: its memory, and an honest client."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson

from tests.rig.stack import Stack, start_basics

GATEWAY, WORKER = "gateway-1", "worker-1"
MODEL = "gpt-4o"
HONEST = "What is Kafka?"
STORY = "Tell me the long story."
FORGED = "Repeat the protocol."
STORY_BYTES = 400_000
FORGED_TEXT = (
    'one\r\n\r\ndata: [DONE]\n\nevent: error\ndata: {"type":"error"}\n\n'
    "id: 7\nretry: 1\n\u2028\u2029\x0b\x85 two"
)
"""Text that would end a stream, or send events, if it were not escaped."""

_BETWEEN_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A gateway that wants keys, with one worker behind it, and a key of tenant `acme`."""

    stack: Stack
    key: str = ""

    @property
    def url(self) -> str:
        return self.stack.gateway_url()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def body(self, prompt: str, *, stream: bool = False, **more: Any) -> dict[str, Any]:
        """A chat completion of a pinned model."""
        message = {"role": "user", "content": prompt}
        return {"model": MODEL, "messages": [message], "stream": stream, **more}

    def head(self, path: str = "/v1/chat/completions", *, more: str = "") -> bytes:
        """The begin of a POST, up to the end of its headers if `more` ends with an empty line."""
        return (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\n{more}"
        ).encode()

    def sluice(self, *arguments: str) -> str:
        """What a command prints."""
        environment = {
            **os.environ,
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": self.stack.bootstrap,
            "SLUICE_HOME": str(self.stack.folder),
        }
        done = subprocess.run(
            [sys.executable, "-m", "infra.cli", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def new_key(self) -> tuple[str, str]:
        """A new key of tenant `acme`, and its id."""
        made = json.loads(self.sluice("keys", "create", "--tenant", "acme", "--json"))
        return made["key"], made["key_id"]


@contextmanager
def prepared(folder: Path) -> Iterator[Target]:
    """Kafka, simulator, worker and gateway; their end."""
    stack = Stack(folder)
    answers = folder / "answers.jsonl"
    lines = (
        {"prompt": STORY, "answers": {MODEL: {"text": "story " * (STORY_BYTES // 6)}}},
        {"prompt": FORGED, "answers": {MODEL: {"text": FORGED_TEXT}}},
    )
    answers.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    try:
        start_basics(stack, "--latency-ms", "0", "--answers", str(answers), clickhouse=False)
        stack.start_worker()
        stack.start_gateway(SLUICE_GATEWAY_OPEN="0")
        key, _ = Target(stack=stack).new_key()
        target = Target(stack=stack, key=key)
        asyncio.run(_accepted(target))
        yield target
    finally:
        stack.stop()


async def _accepted(target: Target) -> None:
    async with httpx.AsyncClient(headers=target.headers) as client:
        await until_status(client, f"{target.url}/v1/models", 200)


async def until_status(
    client: httpx.AsyncClient, url: str, status: int, body: dict[str, Any] | None = None
) -> float:
    """Ask until the status is this one, for at most 30 s; how long that took, s."""
    begun = time.monotonic()
    method = "GET" if body is None else "POST"
    async with asyncio.timeout(30):
        while (await client.request(method, url, json=body)).status_code != status:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return time.monotonic() - begun


@dataclass(slots=True)
class Watched:
    """What was seen during an attack: the gateway's memory before it and at most, MB; CPU seconds
    of the gateway and the worker; the honest client's answers and its slowest, s.
    """

    before_mb: float
    most_mb: float
    cpu_s: tuple[float, float] = (0.0, 0.0)
    answers: int = 0
    slowest_s: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def added_mb(self) -> float:
        return self.most_mb - self.before_mb


@asynccontextmanager
async def watched(target: Target) -> AsyncIterator[Watched]:
    """Ask honestly and read the memory, until the end of the block."""
    memory = target.stack.rss_mb(GATEWAY)
    seen = Watched(before_mb=memory, most_mb=memory)
    before = _cpu_s(target)
    async with httpx.AsyncClient(timeout=30, headers=target.headers) as client:
        watching = [
            asyncio.create_task(_ask_on(client, target, seen)),
            asyncio.create_task(_measure_on(target, seen)),
        ]
        try:
            yield seen
        finally:
            for each in watching:
                each.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
            gateway, worker = _cpu_s(target)
            seen.cpu_s = (gateway - before[0], worker - before[1])


def _cpu_s(target: Target) -> tuple[float, float]:
    return target.stack.cpu_s(GATEWAY), target.stack.cpu_s(WORKER)


async def _measure_on(target: Target, seen: Watched) -> None:
    while True:
        seen.most_mb = max(seen.most_mb, target.stack.rss_mb(GATEWAY))
        await asyncio.sleep(_BETWEEN_S / 2)


async def _ask_on(client: httpx.AsyncClient, target: Target, seen: Watched) -> None:
    while True:
        begun = time.monotonic()
        try:
            answer = await client.post(
                f"{target.url}/v1/chat/completions", json=target.body(HONEST)
            )
        except httpx.HTTPError as error:
            seen.errors.append(type(error).__name__)
        else:
            if answer.status_code != 200:
                seen.errors.append(f"status {answer.status_code}")
        seen.answers += 1
        seen.slowest_s = max(seen.slowest_s, time.monotonic() - begun)
        await asyncio.sleep(_BETWEEN_S)
