"""How soon a running worker decides by another registry, another artifact, and by the old one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.devstack.registry import local_registry
from streams.registry.learned import default_artifact
from streams.registry.publishing import move_pointer, publish_version
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.learned.artifact import Artifact, pack_artifact, read_artifact
from tests.bench.figures import Figure
from tests.bench.prompts import make_requests
from tests.rig.load import load
from tests.rig.observed.hot_registry import uses
from tests.rig.stack import Stack, start_basics

ROUNDS = 5
RATE = 100
_SECONDS = 12.0
_ANSWERED_BY_S = 60.0


def measure_hot_reload() -> list[Figure]:
    """The slowest of some rounds, ms from the command to the worker's word, under load."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            start_basics(stack, "--latency-ms", "0")
            stack.start_worker()
            took = asyncio.run(_under_load(stack))
        finally:
            stack.stop()
    return [
        Figure(
            group=f"takes effect at {RATE}/s",
            name=name,
            value=max(times),
            unit="ms",
            at_most=2_000.0,
        )
        for name, times in took.items()
    ]


async def _under_load(stack: Stack) -> dict[str, list[float]]:
    async with load(stack.bootstrap) as running:
        loading = asyncio.create_task(running.at_rate(make_requests("hot"), RATE, _SECONDS))
        took = await _changes(stack)
        await loading
        await running.all_answered(_ANSWERED_BY_S)
        return took


async def _changes(stack: Stack) -> dict[str, list[float]]:
    kafka = {"bootstrap_servers": stack.bootstrap}
    text = local_registry(stack.simulator_url)
    took: dict[str, list[float]] = {"a change": [], "a new artifact": [], "a rollback": []}
    first = parse_registry(text)
    for number in range(ROUNDS):
        changed = parse_registry(text.replace("max_hops: 3", f"max_hops: {4 + number % 4}"))
        artifact = read_artifact(
            pack_artifact(replace(default_artifact(), about={"round": number}))
        )
        learned = _named(text, artifact)
        for name, version in (("a change", changed), ("a new artifact", learned)):
            done = publish_version(kafka, version, by="bench")
            took[name].append(await _until_used(stack, version.hash, done))
        back = move_pointer(kafka, first.hash, by="bench")
        took["a rollback"].append(await _until_used(stack, first.hash, back))
    return took


def _named(text: str, artifact: Artifact) -> RegistryVersion:
    policy = f"classifier: learned\n  learned: {{artifact: {artifact.hash}}}"
    return parse_registry(
        text.replace("classifier: rules", policy), artifacts=lambda name: artifact
    )


async def _until_used(stack: Stack, digest: str, doing: Awaitable[None]) -> float:
    begun = time.perf_counter()
    await doing
    await uses(stack, digest)
    return (time.perf_counter() - begun) * 1000
