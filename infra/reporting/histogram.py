"""Histogram of scores, stacked by group. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.reporting.axes import Axis, Frame, svg
from infra.reporting.markup import Legend, Markup, figure

BINS = 20
_GAP = 0.08


def counts_by_bin(values: Sequence[float], bins: int = BINS) -> list[int]:
    """Count the values of 0..1 in each of these bins of equal width; 1 is in the last."""
    counts = [0] * bins
    for value in values:
        counts[min(int(value * bins), bins - 1)] += 1
    return counts


def histogram(
    groups: Mapping[str, Sequence[float]],
    *,
    x_label: str,
    y_label: str,
    title: str,
    limits: Mapping[str, Sequence[float]] | None = None,
    caption: str = "",
) -> Markup:
    """Draw scores 0..1 by group, the first group lowest; `limits` are positions on the axis by
    name.
    """
    marked = limits or {}
    counted = [counts_by_bin(values) for values in groups.values()]
    tallest = max((sum(column) for column in zip(*counted, strict=True)), default=0)
    frame = Frame(
        x=Axis(label=x_label, low=0, high=1, show=lambda value: f"{value:g}"),
        y=Axis(label=y_label, low=0, high=max(tallest * 1.05, 1), show=_whole),
        height=300,
    )
    parts, below = [], [0] * BINS
    for number, counts in enumerate(counted):
        for place, count in enumerate(counts):
            if count:
                parts.append(_bar(frame, place, below[place], count, f"group{number}"))
                below[place] += count
    for number, places in enumerate(marked.values()):
        for at in places:
            x, bottom = frame.place(at, 0)
            _, top = frame.place(at, frame.y.high)
            parts.append(
                f'<line class="line limit{number}" x1="{x:g}" x2="{x:g}" '
                f'y1="{bottom:g}" y2="{top:g}"/>'
            )
    legend = [
        *(
            Legend(name=name, shape="bar", kind=f"group{number}")
            for number, name in enumerate(groups)
        ),
        *(
            Legend(name=name, shape="line", kind=f"limit{number}")
            for number, name in enumerate(marked)
        ),
    ]
    return figure(svg(frame, "".join(parts), about=title), title, legend, caption)


def _bar(frame: Frame, place: int, below: int, count: int, kind: str) -> str:
    left, top = frame.place((place + _GAP) / BINS, below + count)
    right, bottom = frame.place((place + 1 - _GAP) / BINS, below)
    return (
        f'<rect class="bar {kind}" x="{left:g}" y="{top:g}" '
        f'width="{right - left:.2f}" height="{bottom - top:.2f}"/>'
    )


def _whole(value: float) -> str:
    return f"{value:g}" if value == int(value) else ""
