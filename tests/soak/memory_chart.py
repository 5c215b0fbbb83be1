"""Memory of each process over time, drawn. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from infra.reporting.axes import Axis
from infra.reporting.line_chart import Line, line_chart
from infra.reporting.markup import Markup
from tests.soak.samples import Sample

_KINDS = ("examined", "length", "oracle", "random", "limit2")


def memory_chart(samples: Sequence[Sample], across: Axis, *, unit_s: float) -> Markup:
    """A line for each process; `unit_s` is how many seconds a unit of the axis has."""
    names = sorted({name for sample in samples for name in sample.memory_mb})
    lines = [
        Line(
            name=name,
            kind=_KINDS[number % len(_KINDS)],
            points=[(each.at_s / unit_s, each.memory_mb[name]) for each in samples],
        )
        for number, name in enumerate(names)
    ]
    return line_chart(across, up_from_zero("MB", lines), lines, title="Resident memory")


def up_from_zero(label: str, lines: Sequence[Line]) -> Axis:
    """An axis on which all of these lines fit."""
    most = max((value for line in lines for _, value in line.points), default=1.0)
    return Axis(label=label, low=0, high=most * 1.1, show=lambda value: f"{value:g}")
