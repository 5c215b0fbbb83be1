"""One worker under load: requests/s and CPU at saturation beside the floor, latency below it."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.topics_admin import Partitions, TopicsAdmin
from schemas.topic_declarations import declared_topics
from schemas.topics import REPLIES, REQUESTS
from tests.bench.figures import Figure
from tests.bench.floor import PREFIX
from tests.bench.prompts import Make, make_requests, recorded_file
from tests.rig.load import load
from tests.rig.stack import Stack, start_basics

PARTS = ("worker-1", "sink-1", "kafka", "clickhouse", "simulator")
_ANSWERED_BY_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured: requests at saturation after a warm-up, and seconds at each rate."""

    warm_up: int = 1_500
    requests: int = 8_000
    in_flight: int = 256
    seconds: float = 20.0
    rates: Sequence[int] = (100, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturation:
    """What a closed loop came to: requests/s and CPU-ms per request by process."""

    per_s: float
    cpu_ms: dict[str, float]


def measure_worker(size: Size) -> list[Figure]:
    """All figures of the worker."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder, _stack(Path(folder)) as stack:
        floor = _floor(stack, size)
        stack.start_sink()
        stack.start_worker()
        full = asyncio.run(
            _saturate(stack, REQUESTS, REPLIES, PARTS, make_requests("saturation"), size)
        )
        figures = _saturation_figures(full, floor)
        for rate in size.rates:
            figures += asyncio.run(_at_rate(stack, rate, size))
        figures.append(
            Figure(
                group="worker",
                name="resident memory",
                value=stack.rss_mb("worker-1"),
                unit="MB",
            )
        )
        return figures


def _saturation_figures(full: Saturation, floor: Saturation) -> list[Figure]:
    worker, bare = full.cpu_ms["worker-1"], floor.cpu_ms["floor"]
    figures = [
        Figure(group="saturation", name="one worker", value=full.per_s, unit="req/s", at_least=800),
        Figure(group="saturation", name="worker CPU", value=worker, unit="ms/request", at_most=1.0),
        Figure(group="saturation", name="floor CPU", value=bare, unit="ms/request"),
        Figure(group="saturation", name="floor", value=floor.per_s, unit="req/s"),
        Figure(group="saturation", name="worker / floor CPU", value=worker / bare, unit="ratio"),
    ]
    figures += [
        Figure(group="saturation", name=f"{name} CPU", value=cost, unit="ms/request")
        for name, cost in full.cpu_ms.items()
        if name != "worker-1"
    ]
    return figures


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    stack = Stack(folder)
    answers = recorded_file()
    try:
        start_basics(stack, "--latency-ms", "0", *(["--answers", str(answers)] if answers else []))
        yield stack
    finally:
        stack.stop()


def _floor(stack: Stack, size: Size) -> Saturation:
    topics = [replace(topic, name=PREFIX + topic.name) for topic in declared_topics()]
    TopicsAdmin(stack.bootstrap).create(topics, Partitions())
    process = stack.start_process(
        "floor",
        [sys.executable, "-m", "tests.bench.floor"],
        {"FLOOR_PROVIDER": stack.simulator_url},
    )
    process.wait_ready(lambda: "ready" in process.log.read_text(), 60)
    try:
        make = make_requests("floor")
        names = ("floor",)
        return asyncio.run(_saturate(stack, PREFIX + REQUESTS, PREFIX + REPLIES, names, make, size))
    finally:
        process.stop()


async def _saturate(
    stack: Stack, topic: str, replies: str, parts: Sequence[str], make: Make, size: Size
) -> Saturation:
    async with load(stack.bootstrap, (replies,), requests=topic) as running:
        await running.closed(make, size.warm_up, size.in_flight)
        before = {name: stack.cpu_s(name) for name in parts}
        begun = time.perf_counter()
        heard = len(running.seen.replies)
        await running.closed(make, size.requests, size.in_flight, first=size.warm_up)
        await running.all_answered(_ANSWERED_BY_S)
        took = time.perf_counter() - begun
        count = len(running.seen.replies) - heard
        return Saturation(
            per_s=count / took,
            cpu_ms={name: (stack.cpu_s(name) - before[name]) * 1000 / count for name in parts},
        )


async def _at_rate(stack: Stack, rate: int, size: Size) -> list[Figure]:
    goals = {100: (5.0, 15.0), 300: (8.0, 25.0)}.get(rate, (None, None))
    make = make_requests(f"rate{rate}")
    async with load(stack.bootstrap) as running:
        before = stack.cpu_s("worker-1")
        await running.at_rate(make, rate, size.seconds)
        await running.all_answered(_ANSWERED_BY_S)
        cpu_ms = (stack.cpu_s("worker-1") - before) * 1000 / len(running.seen.sent_at)
        seen, skip = running.seen, rate * 2
        group = f"added latency at {rate}/s"
        return [
            Figure(
                group=group,
                name="p50",
                value=seen.percentile(0.5, skip),
                unit="ms",
                at_most=goals[0],
            ),
            Figure(group=group, name="p95", value=seen.percentile(0.95, skip), unit="ms"),
            Figure(
                group=group,
                name="p99",
                value=seen.percentile(0.99, skip),
                unit="ms",
                at_most=goals[1],
            ),
            Figure(group=group, name="worker CPU", value=cpu_ms, unit="ms/request"),
        ]
