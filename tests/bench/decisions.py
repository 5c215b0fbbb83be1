"""Time of a routing decision, by the length of the prompt, against 10^7 additions."""

from __future__ import annotations

import time
from itertools import cycle, islice

from infra.devstack.registry import local_registry
from streams.registry.version import parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.snapshot import RegistrySnapshot
from tests.bench.calibration import additions_s
from tests.bench.figures import Figure
from tests.bench.prompts import bodies

LENGTHS = (200, 2_000, 20_000)
_ROUNDS = 2_000


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
        times, cpu_ms = [], []
        for subject in islice(cycle(subjects), _ROUNDS):
            moment = DecisionContext(now=1_700_000_000_000, time_left_ms=600_000)
            begun, used = time.perf_counter_ns(), time.thread_time_ns()
            decide(subject, snapshot, moment)
            cpu_ms.append((time.thread_time_ns() - used) / 1e6)
            times.append((time.perf_counter_ns() - begun) / 1e6)
        times.sort()
        cpu_ms.sort()
        last = int(len(times) * 0.99)
        group = f"{name} at {length:,} characters"
        figures += [
            Figure(group=group, name="p50", value=times[len(times) // 2], unit="ms"),
            Figure(group=group, name="p99", value=times[last], unit="ms"),
            Figure(
                group=group,
                name="10^7 additions / p99 of CPU",
                value=loop_ms / cpu_ms[last],
                unit="times",
                at_least=at_least if length == 2_000 else None,
            ),
        ]
    return figures


def _texts(length: int) -> list[str]:
    """Texts of one length: the bench's prompts, one after the other."""
    prompts = [str(body.get("prompt") or body["messages"][-1]["content"]) for body in bodies()]
    whole = "\n".join(prompts) * (1 + length * 20 // max(sum(map(len, prompts)), 1))
    return [whole[start : start + length] for start in range(0, length * 20, length)]
