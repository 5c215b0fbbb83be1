"""Words that `sluice replay` finds for its figures."""

from __future__ import annotations

import pytest

from infra.cli.output.replay import verdict


@pytest.mark.parametrize(
    ("low", "mean", "high", "expected"),
    [
        (-3.0, -2.0, -1.0, "cheaper"),
        (1.0, 2.0, 3.0, "dearer"),
        (-1.0, 0.5, 2.0, "no difference seen"),
        (0.0, 0.5, 1.0, "no difference seen"),
        (0.0, 0.0, 0.0, "the same"),
    ],
)
def test_a_change_is_named_only_if_its_interval_excludes_zero(
    low: float, mean: float, high: float, expected: str
) -> None:
    assert verdict({"low": low, "mean": mean, "high": high}, "cheaper", "dearer") == expected


def test_a_missing_figure_is_unknown() -> None:
    assert verdict(None, "worse", "better") == "unknown"
