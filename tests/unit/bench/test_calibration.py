"""Figures in steps of the calibration loop."""

from __future__ import annotations

import pytest

from tests.bench.calibration import steps_of


@pytest.mark.parametrize(
    ("value", "unit", "steps"),
    [
        (10.0, "us", 2.0),
        (10.0, "us/row", 2.0),
        (4.0, "ms/request", 800.0),
        (1.0, "ms", 200.0),
        (1_000.0, "req/s", 200.0),
        (100_000.0, "rows/s", 2.0),
        (200_000.0, "1/s", 1.0),
        (0.0, "req/s", None),
        (0.5, "ratio", None),
        (3.0, "times", None),
        (0.1, "cores", None),
        (120.0, "MB", None),
    ],
)
def test_times_and_rates_become_steps_an_item(value: float, unit: str, steps: float | None) -> None:
    assert steps_of(value, unit, step_us=5.0) == (None if steps is None else pytest.approx(steps))
