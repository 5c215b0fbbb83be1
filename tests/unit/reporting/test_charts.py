"""Charts are well-formed drawings with values at their positions."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.reporting.axes import Axis, Frame, round_ticks
from infra.reporting.histogram import counts_by_bin, histogram
from infra.reporting.line_chart import Band, ChartMark, Line, line_chart
from infra.reporting.reliability_chart import Kept, reliability_chart
from infra.reporting.words import percent

UNIT = Axis(label="share", low=0, high=1, show=percent)


def _parsed(markup: str) -> ElementTree.Element:
    return ElementTree.fromstring(markup)


def _of_class(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [each for each in root.iter() if kind == each.get("class")]


def test_the_corners_of_the_axes_are_the_corners_of_the_drawing() -> None:
    frame = Frame(x=UNIT, y=UNIT, width=200, height=100, left=20, right=10, top=5, bottom=15)

    assert frame.place(0, 0) == (20, 85)
    assert frame.place(1, 1) == (190, 5)
    assert frame.place(0.5, 0.5) == (105, 45)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_evenly_apart_and_within_the_bounds(low: float, span: float) -> None:
    high = low + span
    found = round_ticks(low, high)

    assert 1 <= len(found) <= 8
    assert all(low - span * 1e-6 <= tick <= high + span * 1e-6 for tick in found)
    steps = [b - a for a, b in pairwise(found)]
    assert all(step == pytest.approx(steps[0], rel=1e-3, abs=1e-9) for step in steps)


def test_ticks_of_a_share_are_fifths() -> None:
    assert round_ticks(0, 1) == (0, 0.2, 0.4, 0.6, 0.8, 1)
    assert round_ticks(1, 1) == ()


def test_a_line_chart_draws_its_lines_bands_and_marks_and_names_each() -> None:
    drawn = _parsed(
        line_chart(
            UNIT,
            UNIT,
            [Line(name="ours <b>", kind="examined", points=[(0, 0), (1, 1)])],
            bands=[
                Band(name="95 % band", kind="examined", lower=[(0, 0), (1, 0.9)],
                     upper=[(0, 0.1), (1, 1)])
            ],
            marks=[ChartMark(name="all strong", kind="strong", at=(1, 1))],
            title="Quality",
        )
    )  # fmt: skip
    frame = Frame(x=UNIT, y=UNIT, width=480, height=340)
    line = next(each for each in _of_class(drawn, "line examined") if each.get("points"))
    mark = next(each for each in _of_class(drawn, "mark strong") if each.get("r") == "5")

    assert line.get("points") == frame.path([(0, 0), (1, 1)])
    assert _of_class(drawn, "band examined")[-1].get("points", "").count(",") == 4
    assert (float(mark.get("cx", "")), float(mark.get("cy", ""))) == frame.place(1, 1)
    names = ["".join(each.itertext()) for each in drawn.iter("li")]
    assert names == ["ours <b>", "95 % band", "all strong"]


def test_a_chart_has_a_text_alternative() -> None:
    drawn = _parsed(line_chart(UNIT, UNIT, [], title='Quality "by" share'))
    picture = next(each for each in drawn.iter("svg") if each.get("role") == "img")

    assert picture.get("aria-label") == 'Quality "by" share: share over share'


def test_a_bin_is_drawn_at_its_probability_and_grows_with_its_rows() -> None:
    bins = [
        Kept(stated=0.2, observed=0.3, low=0.1, high=0.5, rows=10),
        Kept(stated=0.8, observed=0.6, low=0.5, high=0.7, rows=1000),
    ]
    drawn = _parsed(reliability_chart(bins, x_label="stated", y_label="observed", title="R"))
    dots = _of_class(drawn, "dot examined")
    frame = Frame(x=UNIT, y=UNIT, width=480, height=400)

    places = [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots]
    assert places == [frame.place(0.2, 0.3), frame.place(0.8, 0.6)]
    small, large = (float(dot.get("r", "")) for dot in dots)
    assert small < large
    assert len(_of_class(drawn, "whisker examined")) == 2


def test_without_bins_there_is_only_the_diagonal() -> None:
    drawn = _parsed(reliability_chart([], x_label="stated", y_label="observed", title="R"))

    assert not _of_class(drawn, "dot examined")


def test_values_fall_into_their_bins_the_last_one_closed() -> None:
    assert counts_by_bin([0, 0.1, 0.5, 0.99, 1], bins=2) == [2, 3]


def test_bars_are_stacked_and_as_high_as_their_counts() -> None:
    groups = {"simple": [0.12, 0.13], "complex": [0.12]}
    drawn = _parsed(
        histogram(groups, x_label="score", y_label="prompts", title="H", limits={"limit": [0.5]})
    )
    low, high = (
        next(bar for bar in _of_class(drawn, f"bar group{number}") if bar.get("x") != "2")
        for number in (0, 1)
    )

    assert float(low.get("height", "")) == pytest.approx(
        2 * float(high.get("height", "")), rel=0.01
    )
    stacked = float(high.get("y", "")) + float(high.get("height", ""))
    assert stacked == pytest.approx(float(low.get("y", "")), abs=0.05)
    key, drawn_limit = _of_class(drawn, "line limit0")
    assert key.get("x2") == "28"
    assert drawn_limit.get("x1") == drawn_limit.get("x2")


def test_nothing_to_count_gives_an_empty_drawing() -> None:
    drawn = _parsed(histogram({"simple": []}, x_label="score", y_label="prompts", title="H"))

    assert not [bar for bar in _of_class(drawn, "bar group0") if bar.get("x") != "2"]
