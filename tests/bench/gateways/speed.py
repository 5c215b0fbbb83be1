"""The HTTP gateway's cost: CPU a request beside the worker's, plain and streamed, and first tokens.

Clients are closed loops of one process over kept connections; the provider answers at once. A long
stream is an answer of 300 tokens with a pinned model, so that it is passed on while it is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from tests.bench.figures import Figure
from tests.bench.gateways.closed_loop import Endpoint, Loop, closed_loop
from tests.bench.worker_probe import steady
from tests.bench.worker_speed import WORKER, medians
from tests.rig.stack import Stack, start_basics

GATEWAY = "gateway-1"
_MODEL = "gpt-4o"
_SHORT, _STORY = "What is Kafka?", "Tell me the long story."
_TOKENS = 300
_CPU_GOAL, _STREAM_GOAL, _FIRST_GOAL = 0.35, 2.0, 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySize:
    """How many requests are measured after a warm-up, by requests in flight."""

    requests: int = 2_000
    in_flight: Sequence[int] = (1, 32, 128)
    rounds: int = 3
    seconds: float = 10.0

    def count(self, in_flight: int) -> int:
        """How many requests a loop sends."""
        return self.requests if in_flight > 1 else self.requests // 10


QUICK_GATEWAY = GatewaySize(requests=500, in_flight=(32,), rounds=1, seconds=5.0)


def measure_gateway(size: GatewaySize) -> list[Figure]:
    """All figures: medians of the rounds."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder))
        answers = Path(folder) / "answers.jsonl"
        answers.write_bytes(_answers())
        try:
            start_pipeline(stack, "--answers", str(answers))
            return medians([asyncio.run(_round(stack, size, n)) for n in range(size.rounds)])
        finally:
            stack.stop()


def start_pipeline(stack: Stack, *simulator: str) -> None:
    """A worker, a sink and a gateway behind a provider that answers at once."""
    start_basics(stack, "--latency-ms", "0", *simulator)
    stack.start_sink()
    stack.start_worker()
    stack.start_gateway()


async def _round(stack: Stack, size: GatewaySize, number: int) -> list[Figure]:
    figures = []
    for in_flight in size.in_flight:
        plain = await _loop(stack, size, in_flight, stream=False)
        streamed = await _loop(stack, size, in_flight, stream=True)
        group = f"gateway, {in_flight} in flight"
        gateway_ms, worker_ms = plain.cpu_ms
        figures += [
            Figure(group=group, name="plain", value=plain.per_s, unit="req/s"),
            Figure(group=group, name="gateway CPU", value=gateway_ms, unit="ms/request"),
            Figure(group=group, name="worker CPU", value=worker_ms, unit="ms/request"),
            Figure(group=group, name="gateway CPU / worker CPU", value=gateway_ms / worker_ms,
                   unit="ratio", at_most=_CPU_GOAL),
            Figure(group=group, name=f"stream of {_TOKENS} tokens", value=streamed.per_s,
                   unit="req/s"),
            Figure(group=group, name="stream CPU / plain CPU",
                   value=streamed.cpu_ms[0] / gateway_ms, unit="ratio", at_most=_STREAM_GOAL),
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
    return await closed_loop(
        Endpoint(url=f"{stack.gateway_url()}/v1/chat/completions", body={"model": _MODEL}),
        [_STORY if stream else _SHORT],
        size.count(in_flight),
        in_flight,
        stream=stream,
        cpu_s=[partial(stack.cpu_s, name) for name in (GATEWAY, WORKER)],
    )


def _answers() -> bytes:
    """A file of recorded answers with one long one."""
    text = "".join(f"word{number} " for number in range(_TOKENS)).strip()
    line = {"prompt": _STORY, "answers": {_MODEL: {"text": text}}}
    return orjson.dumps(line) + b"\n"
