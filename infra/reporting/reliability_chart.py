"""Reliability diagram: observed over predicted probability, with row counts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.reporting.axes import Axis, Frame, svg
from infra.reporting.markup import Legend, Markup, figure
from infra.reporting.words import percent

_LARGEST, _SMALLEST = 11.0, 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A bin of predicted probabilities: mean `stated`, share `observed` with its bounds,
    all 0..1.
    """

    stated: float
    observed: float
    low: float
    high: float
    rows: int


def reliability_chart(
    bins: Sequence[Kept], *, x_label: str, y_label: str, title: str, caption: str = ""
) -> Markup:
    """Return a reliability diagram; a point's area grows with its rows, its bar is the 95 %
    interval.
    """
    frame = Frame(
        x=Axis(label=x_label, low=0, high=1, show=percent),
        y=Axis(label=y_label, low=0, high=1, show=percent),
        width=480,
        height=400,
    )
    parts = [f'<polyline class="line ideal" points="{frame.path([(0, 0), (1, 1)])}"/>']
    most = max((each.rows for each in bins), default=1)
    for each in bins:
        x, low = frame.place(each.stated, each.low)
        _, high = frame.place(each.stated, each.high)
        _, y = frame.place(each.stated, each.observed)
        radius = max(_LARGEST * (each.rows / most) ** 0.5, _SMALLEST)
        parts.append(
            f'<line class="whisker examined" x1="{x:g}" x2="{x:g}" y1="{low:g}" y2="{high:g}"/>'
            f'<circle class="dot examined" cx="{x:g}" cy="{y:g}" r="{radius:.2f}"/>'
        )
    legend = (
        Legend(name="perfect calibration", shape="line", kind="ideal"),
        Legend(name="observed, with its 95 % interval", shape="mark", kind="examined"),
    )
    return figure(svg(frame, "".join(parts), about=title), title, legend, caption)
