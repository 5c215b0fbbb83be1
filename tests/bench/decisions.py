"""How long a routing decision takes, by the length of the prompt."""

from __future__ import annotations

import time
from itertools import cycle, islice

from infra.devstack.registry import local_registry
from streams.registry.version import parse_registry
from streams.routing.decision import DecisionContext, RoutingRequest, decide
from streams.routing.snapshot import RegistrySnapshot
from tests.bench.figures import Figure
from tests.bench.prompts import bodies

LENGTHS = (200, 2_000, 20_000)
_ROUNDS = 2_000


def measure_decisions() -> list[Figure]:
    """p50 and p99 of `decide` with the local registry, ms, by rules and by the shipped artifact."""
    text = local_registry("http://127.0.0.1:1")
    return [
        *_measure("rules", parse_registry(text).snapshot, at_most=0.1),
        *_measure(
            "learned",
            parse_registry(text.replace("classifier: rules", "classifier: learned")).snapshot,
            at_most=1.0,
        ),
    ]


def _measure(name: str, snapshot: RegistrySnapshot, *, at_most: float) -> list[Figure]:
    figures = []
    for length in LENGTHS:
        subjects = [
            RoutingRequest(body={"messages": [{"role": "user", "content": text}]}, tenant="default")
            for text in _texts(length)
        ]
        times = []
        for subject in islice(cycle(subjects), _ROUNDS):
            moment = DecisionContext(now=1_700_000_000_000, time_left_ms=600_000)
            begun = time.perf_counter_ns()
            decide(subject, snapshot, moment)
            times.append((time.perf_counter_ns() - begun) / 1e6)
        times.sort()
        group = f"{name} at {length:,} characters"
        figures += [
            Figure(group=group, name="p50", value=times[len(times) // 2], unit="ms"),
            Figure(
                group=group,
                name="p99",
                value=times[int(len(times) * 0.99)],
                unit="ms",
                at_most=at_most if length == 2_000 else None,
            ),
        ]
    return figures


def _texts(length: int) -> list[str]:
    """Texts of one length: the bench's prompts, one after the other."""
    prompts = [str(body.get("prompt") or body["messages"][-1]["content"]) for body in bodies()]
    whole = "\n".join(prompts) * (1 + length * 20 // max(sum(map(len, prompts)), 1))
    return [whole[start : start + length] for start in range(0, length * 20, length)]
