"""The HTTP gateway's cost: CPU a request beside the worker's, plain and streamed, and first tokens.

Clients are closed loops of one process over kept connections; the provider answers at once. A long
stream is an answer of 300 tokens with a pinned model, so that it is passed on while it is written.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp
import orjson

from tests.bench.figures import Figure
from tests.bench.trees import BenchError
from tests.bench.worker_probe import steady
from tests.bench.worker_speed import WORKER, medians
from tests.rig.stack import Stack, start_basics

GATEWAY = "gateway-1"
_MODEL = "gpt-4o"
_STORY = "Tell me the long story."
_TOKENS = 300
_CPU_GOAL, _STREAM_GOAL, _FIRST_GOAL = 0.35, 2.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySize:
    """How many requests are measured after a warm-up, by requests in flight."""

    requests: int = 2_000
    warm_up: int = 300
    in_flight: Sequence[int] = (1, 32, 128)
    rounds: int = 3
    seconds: float = 10.0


QUICK_GATEWAY = GatewaySize(requests=500, warm_up=100, in_flight=(32,), rounds=1, seconds=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A closed loop: requests/s, CPU-ms a request of gateway and worker, median time to the first
    byte of an answer's body with content, ms.
    """

    per_s: float
    gateway_ms: float
    worker_ms: float
    first_ms: float


def measure_gateway(size: GatewaySize) -> list[Figure]:
    """All figures: medians of the rounds."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder))
        answers = Path(folder) / "answers.jsonl"
        answers.write_bytes(_answers())
        try:
            start_basics(stack, "--latency-ms", "0", "--answers", str(answers))
            stack.start_sink()
            stack.start_worker()
            stack.start_gateway()
            return medians([asyncio.run(_round(stack, size, n)) for n in range(size.rounds)])
        finally:
            stack.stop()


async def _round(stack: Stack, size: GatewaySize, number: int) -> list[Figure]:
    figures = []
    for in_flight in size.in_flight:
        plain = await _loop(stack, size, in_flight, stream=False)
        streamed = await _loop(stack, size, in_flight, stream=True)
        group = f"gateway, {in_flight} in flight"
        share = plain.gateway_ms / plain.worker_ms
        per_plain = streamed.gateway_ms / plain.gateway_ms
        figures += [
            Figure(group=group, name="plain", value=plain.per_s, unit="req/s"),
            Figure(group=group, name="gateway CPU", value=plain.gateway_ms, unit="ms/request"),
            Figure(group=group, name="worker CPU", value=plain.worker_ms, unit="ms/request"),
            Figure(group=group, name="gateway CPU / worker CPU", value=share, unit="ratio",
                   at_most=_CPU_GOAL),
            Figure(group=group, name=f"stream of {_TOKENS} tokens", value=streamed.per_s,
                   unit="req/s"),
            Figure(group=group, name="stream CPU / plain CPU", value=per_plain, unit="ratio",
                   at_most=_STREAM_GOAL),
        ]  # fmt: skip
    at_rate = await steady(stack, (WORKER,), 20, f"gw{number}", size.seconds)
    first = await _loop(stack, size, 1, stream=True)
    figures += [
        Figure(group="first token", name="p50", value=first.first_ms, unit="ms"),
        Figure(group="first token", name="p50 topic to topic at 20/s", value=at_rate.p50_ms,
               unit="ms"),
        Figure(group="first token", name="p50 / topic to topic",
               value=first.first_ms / at_rate.p50_ms, unit="ratio", at_most=_FIRST_GOAL),
    ]  # fmt: skip
    return figures


async def _loop(stack: Stack, size: GatewaySize, in_flight: int, *, stream: bool) -> Loop:
    """Requests as fast as answers come.

    Raises:
        BenchError: an answer is no success.
    """
    body: dict[str, Any] = {"model": _MODEL, "stream": stream}
    body["messages"] = [{"role": "user", "content": _STORY if stream else "What is Kafka?"}]
    url = f"{stack.gateway_url()}/v1/chat/completions"
    firsts: list[float] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask() -> None:
            begun = time.perf_counter()
            async with session.post(url, json=body) as answer:
                if answer.status != 200:
                    raise BenchError(f"the gateway answered {answer.status}")
                async for chunk in answer.content.iter_any():
                    if stream and b'"content":"' in chunk.replace(b'"content":""', b""):
                        firsts.append((time.perf_counter() - begun) * 1000)
                        break
                await answer.read()

        async def repeat(count: int) -> None:
            left = iter(range(count))

            async def one() -> None:
                for _ in left:
                    await ask()

            async with asyncio.TaskGroup() as group:
                for _ in range(in_flight):
                    group.create_task(one())

        count = size.requests if in_flight > 1 else size.requests // 10
        await repeat(size.warm_up if in_flight > 1 else 10)
        firsts.clear()
        before = [stack.cpu_s(name) for name in (GATEWAY, WORKER)]
        begun = time.perf_counter()
        await repeat(count)
        took = time.perf_counter() - begun
        used = [
            (stack.cpu_s(name) - at) * 1000 / count
            for name, at in zip((GATEWAY, WORKER), before, strict=True)
        ]
    firsts.sort()
    return Loop(
        per_s=count / took,
        gateway_ms=used[0],
        worker_ms=used[1],
        first_ms=firsts[len(firsts) // 2] if firsts else 0.0,
    )


def _answers() -> bytes:
    """A file of recorded answers with one long one."""
    text = "".join(f"word{number} " for number in range(_TOKENS)).strip()
    line = {"prompt": _STORY, "answers": {_MODEL: {"text": text}}}
    return orjson.dumps(line) + b"\n"
