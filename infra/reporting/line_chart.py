"""Line chart with optional bands and single marks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.reporting.axes import Axis, Frame, svg
from infra.reporting.markup import Legend, Markup, figure

_FEW = 2

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A named line; `kind` selects its colour and dash in the style sheet."""

    name: str
    kind: str
    points: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The area between two lines with the same x values."""

    name: str
    kind: str
    lower: Points
    upper: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartMark:
    """A single point, drawn as a ring, with its name beside it."""

    name: str
    kind: str
    at: tuple[float, float]


def line_chart(
    x: Axis,
    y: Axis,
    lines: Sequence[Line],
    *,
    bands: Sequence[Band] = (),
    marks: Sequence[ChartMark] = (),
    title: str,
    caption: str = "",
) -> Markup:
    """Return a chart as an HTML figure: bands below lines, lines below marks."""
    frame = Frame(x=x, y=y, width=480, height=340)
    drawn = [
        f'<polygon class="band {each.kind}" '
        f'points="{frame.path([*each.lower, *reversed(each.upper)])}"/>'
        for each in bands
    ]
    drawn += [
        f'<polyline class="line {each.kind}" points="{frame.path(list(each.points))}"/>'
        for each in lines
    ]
    for line in lines:
        # A line of one or two points would be hardly visible.
        for at in line.points if len(line.points) <= _FEW else ():
            x_at, y_at = frame.place(*at)
            drawn.append(f'<circle class="dot {line.kind}" cx="{x_at:g}" cy="{y_at:g}" r="4"/>')
    for mark in marks:
        across, down = frame.place(*mark.at)
        drawn.append(f'<circle class="mark {mark.kind}" cx="{across:g}" cy="{down:g}" r="5"/>')
    legend = [
        *(Legend(name=each.name, shape="line", kind=each.kind) for each in lines),
        *(Legend(name=each.name, shape="band", kind=each.kind) for each in bands),
        *(Legend(name=each.name, shape="mark", kind=each.kind) for each in marks),
    ]
    about = f"{title}: {y.label} over {x.label}"
    return figure(svg(frame, "".join(drawn), about=about), title, legend, caption)
