"""The evaluation of a soak: growth between quarters, and which values are faults."""

from __future__ import annotations

from tests.soak.samples import Sample, faults, latency_growth, memory_growth, quarters


def _samples(last_mb: float, last_lag: float = 0.0) -> list[Sample]:
    return [
        Sample(
            at_s=float(second),
            memory_mb={"worker": 100.0 if second < 75 else last_mb},
            lag={"worker": 0.0 if second < 75 else last_lag},
        )
        for second in range(101)
    ]


STEADY = latency_growth([(float(second), 100.0) for second in range(101)], 0.99)


def test_the_second_quarter_is_compared_with_the_last() -> None:
    second, last = quarters([(float(at), float(at)) for at in range(101)])
    assert (min(second), max(second), min(last), max(last)) == (25.0, 49.0, 75.0, 100.0)


def test_memory_within_a_twentieth_is_no_fault_and_beyond_it_is() -> None:
    assert faults(_samples(104.9), STEADY, 200.0) == []
    assert faults(_samples(106.0), STEADY, 200.0) == ["memory of worker grew by 6.0%"]
    assert memory_growth(_samples(90.0))[0].share < 0


def test_lag_of_seconds_is_a_fault_and_a_momentary_one_is_not() -> None:
    assert faults(_samples(100.0, last_lag=2_000.0), STEADY, 200.0) == []
    assert faults(_samples(100.0, last_lag=3_000.0), STEADY, 200.0)


def test_a_slow_end_is_a_fault() -> None:
    slow = latency_growth([(float(at), 100.0 if at < 75 else 200.0) for at in range(101)], 0.99)
    assert faults(_samples(100.0), slow, 200.0) == ["p99 went from 100 to 200 ms"]
