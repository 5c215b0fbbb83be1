"""A provider's limit under four workers and a rebalance, as the simulator's own ledger saw it."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.devstack.registry import local_registry
from streams.registry.publishing import publish_version
from streams.registry.version import RegistryVersion, parse_registry
from tests.bench.figures import Figure
from tests.bench.prompts import make_requests
from tests.rig.load import load
from tests.rig.observed.hot_registry import uses
from tests.rig.stack import Stack, start_basics

PER_MINUTE = 600
WORKERS = 4
RATE = 14.0
"""Requests/s that are sent: more than the limit's ten."""

SECONDS = 180.0
LEAVES_AT_S, COMES_BACK_AT_S = 80.0, 110.0
_MINUTE_MS = 60_000
_WARM_UP_MS = 20_000


def measure_limits() -> list[Figure]:
    """The most calls in any sliding minute, and the least in any full one under load."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            start_basics(stack, "--latency-ms", "50", clickhouse=False)
            for number in range(1, WORKERS + 1):
                stack.start_worker(number)
            asyncio.run(_under_load(stack))
            arrivals = _arrivals(stack.ledger)
        finally:
            stack.stop()
    most, least = windows(arrivals)
    return [
        Figure(
            group=f"{PER_MINUTE} requests/min, {WORKERS} workers",
            name="most in a sliding minute",
            value=100 * most / PER_MINUTE,
            unit="% of the limit",
            at_most=105.0,
        ),
        Figure(
            group=f"{PER_MINUTE} requests/min, {WORKERS} workers",
            name="least in a minute under load",
            value=100 * least / PER_MINUTE,
            unit="% of the limit",
            at_least=90.0,
        ),
    ]


def windows(arrivals: list[int]) -> tuple[int, int]:
    """The most and the least calls in any sliding minute, times in ms; the least once all workers
    have had time to begin, and before the load ends.
    """
    if not arrivals:
        return 0, 0
    counts = []
    first = 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - _MINUTE_MS:
            first += 1
        counts.append((at, last - first + 1))
    begun = arrivals[0] + _WARM_UP_MS + _MINUTE_MS
    ended = arrivals[0] + int(SECONDS * 1000)
    full = [count for at, count in counts if begun <= at <= ended]
    return max(count for _, count in counts), min(full, default=0)


def _limited(stack: Stack) -> RegistryVersion:
    text = local_registry(stack.simulator_url)
    head, sep, tail = text.partition('base_url: "' + stack.simulator_url + '/v1"}')
    limited = f"{head}{sep[:-1]}, limits: {{requests_per_minute: {PER_MINUTE}}}}}{tail}"
    one = limited.replace(
        "tier: simple\n    capabilities: [tools, vision, json]",
        "tier: moderate\n    capabilities: [tools, vision, json]",
    )
    return parse_registry(one)


async def _under_load(stack: Stack) -> None:
    kafka = {"bootstrap_servers": stack.bootstrap}
    version = _limited(stack)
    await publish_version(kafka, version, by="bench")
    await uses(stack, version.hash)
    plain = make_requests("limits")

    def simple(number: int) -> dict[str, object]:
        return {**plain(number), "tier": "simple"}

    async with load(stack.bootstrap) as running:
        loading = asyncio.create_task(running.at_rate(simple, RATE, SECONDS))
        await asyncio.sleep(LEAVES_AT_S)
        await asyncio.to_thread(stack.processes[f"worker-{WORKERS}"].stop)
        await asyncio.sleep(COMES_BACK_AT_S - LEAVES_AT_S)
        await asyncio.to_thread(stack.start_worker, WORKERS)
        await loading


def _is_limited(line: dict[str, object]) -> bool:
    return line.get("event") == "arrived" and str(line.get("model")).startswith("gpt-4o-mini")


def _arrivals(ledger: Path) -> list[int]:
    """When calls of the limited model arrived, ms, in order."""
    lines = (json.loads(line) for line in ledger.read_text().splitlines())
    found = sorted(line["at"] for line in lines if _is_limited(line))
    assert all(before <= after for before, after in pairwise(found))
    return found
