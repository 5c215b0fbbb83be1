"""A call cut off by its request's deadline counts against an instance only if it was slow."""

from __future__ import annotations

import pytest

from infra.devstack.registry import local_registry
from streams.providers.port import ErrorClass
from streams.providers.reliability.circuit_breaker import CONSECUTIVE, SLOW_FACTOR, State
from streams.providers.reliability.instance_load import Instances
from streams.registry.version import parse_registry
from streams.routing.selection.candidates import Candidate

MODEL = parse_registry(local_registry("http://127.0.0.1:1")).snapshot.models["gpt-4o-mini"]
CANDIDATE = Candidate(model=MODEL, instance=MODEL.instances[0])


def after_calls(waited_ms: float, *, answered_ms: float | None = None) -> tuple[State, list[bool]]:
    """The circuit's state after several calls that were cut short, and the result of each
    report.
    """
    instances = Instances()
    if answered_ms is not None:
        instances.answered(instances.begin(CANDIDATE, 10, 0.0), answered_ms, 10, 0.0)
    reported = [
        instances.cut_short(instances.begin(CANDIDATE, 10, 1.0), waited_ms, 1.0)
        for _ in range(CONSECUTIVE)
    ]
    return instances.state(MODEL, CANDIDATE.instance, 1.0), reported


def test_short_deadlines_leave_the_circuit_closed() -> None:
    assert after_calls(MODEL.expected_latency_ms) == (State.CLOSED, [False] * CONSECUTIVE)


def test_short_deadlines_alone_open_the_circuit_of_a_hanging_instance() -> None:
    state, reported = after_calls(SLOW_FACTOR * MODEL.expected_latency_ms + 1)
    assert state is State.OPEN
    assert reported[-1] is True


def test_slowness_is_relative_to_the_instance_s_usual_latency() -> None:
    usual = 3 * MODEL.expected_latency_ms
    waited = SLOW_FACTOR * MODEL.expected_latency_ms + 1
    assert after_calls(waited, answered_ms=usual)[0] is State.CLOSED


@pytest.mark.parametrize("kind", [ErrorClass.TIMEOUT, ErrorClass.CONNECTION])
def test_its_own_timeout_still_counts(kind: ErrorClass) -> None:
    instances = Instances()
    for _ in range(CONSECUTIVE):
        instances.failed(instances.begin(CANDIDATE, 10, 0.0), kind, None, 0.0)
    assert instances.state(MODEL, CANDIDATE.instance, 0.0) is State.OPEN
