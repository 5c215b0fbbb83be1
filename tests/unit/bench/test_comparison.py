"""Medians, spread and marks of two trees' figures."""

from __future__ import annotations

import pytest

from tests.bench.comparison import BETTER, WORSE, Compared, Series, compare
from tests.bench.figures import Figure
from tests.bench.worker_speed import medians


def _compared(base: tuple[float, ...], this: tuple[float, ...], unit: str = "ms") -> Compared:
    return Compared(group="g", name="n", unit=unit, base=Series(base), this=Series(this))


def _figure(value: float, name: str = "p50", unit: str = "ms") -> Figure:
    return Figure(group="at 100/s", name=name, value=value, unit=unit)


def test_a_series_has_its_median_and_the_range_of_its_rounds() -> None:
    series = Series((5.0, 1.0, 2.0))
    assert (series.median, series.low, series.high, series.spread) == (2.0, 1.0, 5.0, 4.0)


@pytest.mark.parametrize(
    ("base", "this", "unit", "mark"),
    [
        ((10, 11, 12), (13, 14, 15), "ms", WORSE),
        ((10, 11, 12), (7, 8, 9), "ms/request", BETTER),
        ((10, 11, 12), (7, 8, 9), "req/s", WORSE),
        ((10, 11, 12), (13, 14, 15), "rows/s", BETTER),
        ((0.4, 0.41, 0.42), (0.6, 0.61, 0.62), "times", BETTER),
        ((0.4, 0.41, 0.42), (0.6, 0.61, 0.62), "ratio", WORSE),
        ((3, 3, 3), (5, 5, 5), "inserts/s", WORSE),
        ((100, 100, 100), (120, 121, 122), "MB", WORSE),
    ],
)
def test_a_change_beyond_the_spread_is_marked_by_what_the_unit_wants(
    base: tuple[float, ...], this: tuple[float, ...], unit: str, mark: str
) -> None:
    assert _compared(base, this, unit).mark == mark


@pytest.mark.parametrize(
    ("base", "this"),
    [
        ((10, 11, 12), (12, 13, 14)),
        ((10, 11, 12), (8, 14, 20)),
        ((5, 11, 20), (13, 14, 15)),
        ((10, 10, 10), (10, 10, 10)),
        ((3.0, 3.0, 3.0), (3.001, 3.001, 3.001)),
    ],
)
def test_a_change_within_the_larger_spread_is_not_marked(
    base: tuple[float, ...], this: tuple[float, ...]
) -> None:
    assert _compared(base, this).mark == ""


def test_fewer_than_three_rounds_mark_nothing() -> None:
    assert _compared((10, 10), (20, 20)).mark == ""
    assert _compared((10, 10, 10), (20, 20)).mark == ""


def test_the_ratio_is_that_of_the_medians() -> None:
    assert _compared((1, 2, 9), (1, 1, 9)).ratio == 0.5
    assert _compared((0, 0, 0), (1, 1, 1)).ratio is None


def test_a_figure_of_one_tree_only_has_neither_ratio_nor_mark() -> None:
    rows = compare([[_figure(1)]] * 3, [[_figure(2), _figure(3, "p99")]] * 3)
    assert [(row.name, row.ratio, row.mark) for row in rows] == [
        ("p50", 2.0, WORSE),
        ("p99", None, ""),
    ]
    assert rows[1].base is None


def test_a_renamed_unit_keeps_the_figures_side_by_side() -> None:
    base, this = [[_figure(1, unit="ratio")]] * 3, [[_figure(2, unit="times")]] * 3
    (row,) = compare(base, this)
    assert (row.unit, row.mark) == ("times", BETTER)


def test_rounds_become_one_list_of_medians() -> None:
    rounds = [[_figure(value), _figure(value * 10, "p99")] for value in (3.0, 1.0, 2.0)]
    assert [each.value for each in medians(rounds)] == [2.0, 20.0]
