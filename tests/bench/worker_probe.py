"""Measures workers that run: at saturation, at steady rates, and idle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.topics import REPLIES, REQUESTS
from tests.bench.prompts import Make, make_requests
from tests.bench.trees import BenchError
from tests.rig.load import load
from tests.rig.stack import Stack

ANSWERED_BY_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: requests at saturation after a warm-up, and seconds at each rate.

    A worker that has answered everything settles for `settle_s` before it counts as idle.
    """

    warm_up: int = 1_500
    requests: int = 6_000
    in_flight: int = 256
    rates: Sequence[int] = (50, 100, 200)
    seconds: float = 15.0
    settle_s: float = 4.0
    idle_s: float = 15.0
    rounds: int = 3


QUICK = Size(
    warm_up=300, requests=1_500, rates=(100,), seconds=6.0, settle_s=2.0, idle_s=6.0, rounds=1
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """Result of a closed loop: requests/s and CPU-ms a request by process."""

    per_s: float
    cpu_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steady:
    """Result of a steady rate: latency topic to topic, ms, and CPU-ms a request of the workers."""

    p50_ms: float
    p99_ms: float
    cpu_ms: float


async def saturate(
    stack: Stack,
    processes: Sequence[str],
    make: Make,
    size: Size,
    topics: tuple[str, str] = (REQUESTS, REPLIES),
) -> Saturation:
    """Send as fast as replies come, at most `in_flight` unanswered.

    Raises:
        BenchError: requests were not answered in time.
    """
    async with load(stack.bootstrap, (topics[1],), requests=topics[0]) as running:
        await _bounded(running.closed(make, size.warm_up, size.in_flight), size.warm_up)
        before = {name: stack.cpu_s(name) for name in processes}
        begun = time.perf_counter()
        heard = len(running.seen.replies)
        await _bounded(
            running.closed(make, size.requests, size.in_flight, first=size.warm_up), size.requests
        )
        if not await running.all_answered(ANSWERED_BY_S):
            raise BenchError(f"{len(running.seen.missing)} requests at saturation have no reply")
        took = time.perf_counter() - begun
        count = len(running.seen.replies) - heard
        return Saturation(
            per_s=count / took,
            cpu_ms={name: (stack.cpu_s(name) - before[name]) * 1000 / count for name in processes},
        )


async def steady(
    stack: Stack, workers: Sequence[str], rate: int, run: str, seconds: float
) -> Steady:
    """Send at a rate, whatever comes back.

    Raises:
        BenchError: requests were not answered in time.
    """
    async with load(stack.bootstrap) as running:
        before = sum(map(stack.cpu_s, workers))
        await running.at_rate(make_requests(f"{run}-rate{rate}"), rate, seconds)
        if not await running.all_answered(ANSWERED_BY_S):
            raise BenchError(f"{len(running.seen.missing)} requests at {rate}/s have no reply")
        used = sum(map(stack.cpu_s, workers)) - before
        return Steady(
            p50_ms=running.seen.percentile(0.5, rate),
            p99_ms=running.seen.percentile(0.99, rate),
            cpu_ms=used * 1000 / len(running.seen.sent_at),
        )


def idle(stack: Stack, processes: Sequence[str], size: Size) -> dict[str, float]:
    """Cores that processes use without requests."""
    time.sleep(size.settle_s)
    before, begun = {name: stack.cpu_s(name) for name in processes}, time.perf_counter()
    time.sleep(size.idle_s)
    took = time.perf_counter() - begun
    return {name: (stack.cpu_s(name) - before[name]) / took for name in processes}


async def _bounded(sending: object, requests: int) -> None:
    """The sending, ended with an error if it stalls: 30 s, and 50 ms a request."""
    try:
        async with asyncio.timeout(30 + requests * 0.05):
            await sending  # type: ignore[misc]
    except TimeoutError:
        raise BenchError(f"{requests} requests could not be sent: replies stopped coming") from None
