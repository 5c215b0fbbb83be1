"""The gateway beside LiteLLM's proxy and Portkey's gateway: one load tool, one provider, one run.

All route or pass on the prompts of the sample workload to the simulator, which answers at once.
Sluice's figures include the worker's CPU; its requests are durable and their events are stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.cli.output.screen import notes
from infra.workload.sample import load_workload
from tests.bench.figures import Figure
from tests.bench.gateways.closed_loop import Endpoint, Loop, closed_loop
from tests.bench.gateways.others import LITELLM, PORTKEY, other_gateways
from tests.bench.gateways.speed import GATEWAY, GatewaySize, start_pipeline
from tests.bench.worker_speed import WORKER, medians
from tests.rig.stack import Stack

SLUICE = "sluice"
_RATE_GOAL, _CPU_GOAL = 4.0, 2.0
QUICK_BESIDE = GatewaySize(requests=300, in_flight=(32,), rounds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A running gateway: its endpoint, and the processes whose CPU counts."""

    endpoint: Endpoint
    processes: Sequence[str]


def measure_beside_others(size: GatewaySize) -> list[Figure]:
    """All figures: medians of the rounds. A gateway that is not installed is named and left out."""
    with TemporaryDirectory(prefix="sluice-bench-") as folder:
        stack = Stack(Path(folder))
        try:
            start_pipeline(stack)
            contenders = _started(stack)
            return medians(
                [asyncio.run(_round(stack, contenders, size)) for _ in range(size.rounds)]
            )
        finally:
            stack.stop()


def _started(stack: Stack) -> dict[str, Contender]:
    own = Endpoint(url=f"{stack.gateway_url()}/v1/chat/completions", body={"model": "auto"})
    contenders = {SLUICE: Contender(endpoint=own, processes=(GATEWAY, WORKER))}
    for other in other_gateways():
        if other.problem is not None:
            notes.print(other.problem, markup=False)
            continue
        contenders[other.name] = Contender(endpoint=other.start(stack), processes=(other.name,))
    return contenders


async def _round(
    stack: Stack, contenders: Mapping[str, Contender], size: GatewaySize
) -> list[Figure]:
    prompts = [text for item in load_workload() if (text := item.request.get("prompt"))]
    figures = []
    for in_flight in size.in_flight:
        for stream in (False, True):
            loops = {
                name: await closed_loop(
                    each.endpoint,
                    prompts,
                    size.count(in_flight),
                    in_flight,
                    stream=stream,
                    cpu_s=[partial(stack.cpu_s, process) for process in each.processes],
                )
                for name, each in contenders.items()
            }
            kind = "streamed" if stream else "plain"
            figures += _figures(f"gateways, {kind}, {in_flight} in flight", loops)
    return figures


def _figures(group: str, loops: Mapping[str, Loop]) -> list[Figure]:
    cpu = {name: sum(loop.cpu_ms) for name, loop in loops.items()}
    figures = []
    for name, loop in loops.items():
        figures += [
            Figure(group=group, name=name, value=loop.per_s, unit="req/s"),
            Figure(group=group, name=f"{name} CPU", value=cpu[name], unit="ms/request"),
        ]
    if LITELLM in loops:
        ratio = loops[SLUICE].per_s / loops[LITELLM].per_s
        figures.append(
            Figure(group=group, name="rate / LiteLLM's", value=ratio, unit="ratio",
                   at_least=_RATE_GOAL)
        )  # fmt: skip
    if PORTKEY in loops:
        ratio = cpu[SLUICE] / cpu[PORTKEY]
        figures.append(
            Figure(group=group, name="CPU / Portkey's", value=ratio, unit="ratio",
                   at_most=_CPU_GOAL)
        )  # fmt: skip
    return figures
