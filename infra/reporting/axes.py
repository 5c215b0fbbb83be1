"""Chart axes: round ticks, and positions of values on the drawing. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from math import floor, log10

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """An axis from `low` to `high` in the value's own unit; `show` formats a tick."""

    label: str
    low: float
    high: float
    show: Callable[[float], str]
    least_step: float = 0.0
    """Minimum distance of ticks, for units without fractions."""

    @classmethod
    def around(
        cls,
        label: str,
        low: float,
        high: float,
        show: Callable[[float], str],
        *,
        room: float = 0.05,
    ) -> Axis:
        """Return an axis that fits these values, with a margin at both ends."""
        space = (high - low) * room or max(abs(high), 1.0) * room
        return cls(label=label, low=low - space, high=high + space, show=show)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The drawing area in pixels of the SVG's own coordinates: `x` to the right, `y` upwards."""

    x: Axis
    y: Axis
    width: int = 640
    height: int = 360
    left: int = 62
    right: int = 26
    top: int = 14
    bottom: int = 48

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the position of a pair of values, in pixels from the upper left."""
        across, up = _part(self.x, x), _part(self.y, y)
        return (
            round(self.left + across * (self.width - self.left - self.right), 2),
            round(self.height - self.bottom - up * (self.height - self.top - self.bottom), 2),
        )

    def path(self, points: list[tuple[float, float]]) -> str:
        """Return points as the numbers of a polyline or polygon."""
        return " ".join(f"{x:g},{y:g}" for x, y in (self.place(*point) for point in points))


def _part(axis: Axis, value: float) -> float:
    span = axis.high - axis.low
    return (value - axis.low) / span if span else 0.5


def round_ticks(
    low: float, high: float, most: int = 6, least_step: float = 0.0
) -> tuple[float, ...]:
    """Return at most this many evenly spaced round numbers within the bounds; none for an empty
    range.
    """
    if not low < high:
        return ()
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * (1 - 1e-9))
    step = max(step, least_step)
    first = floor(low / step)
    return tuple(
        round(place * step, 12)
        for place in range(first, first + most + 3)
        if low - step * 1e-9 <= place * step <= high + step * 1e-9
    )


def axes_svg(frame: Frame) -> str:
    """Return grid, ticks and labels of both axes."""
    left, bottom = frame.place(frame.x.low, frame.y.low)
    right, top = frame.place(frame.x.high, frame.y.high)
    parts = []
    for value in round_ticks(frame.y.low, frame.y.high):
        _, y = frame.place(frame.x.low, value)
        parts.append(f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{y:g}" y2="{y:g}"/>')
        parts.append(_text(frame.y.show(value), left - 8, y + 4, "end"))
    for value in round_ticks(frame.x.low, frame.x.high, least_step=frame.x.least_step):
        x, _ = frame.place(value, frame.y.low)
        parts.append(
            f'<line class="tick" x1="{x:g}" x2="{x:g}" y1="{bottom:g}" y2="{bottom + 5:g}"/>'
        )
        parts.append(_text(frame.x.show(value), x, bottom + 19, "middle"))
    parts.append(
        f'<line class="axis" x1="{left:g}" x2="{right:g}" y1="{bottom:g}" y2="{bottom:g}"/>'
    )
    parts.append(_text(frame.x.label, (left + right) / 2, frame.height - 8, "middle", kind="label"))
    middle = (top + bottom) / 2
    turned = f' transform="rotate(-90 14 {middle:g})"'
    parts.append(_text(frame.y.label, 14, middle, "middle", kind="label", more=turned))
    return "".join(parts)


def svg(frame: Frame, inside: str, *, about: str) -> str:
    """Return a complete drawing; `about` is its description for screen readers."""
    size = f'viewBox="0 0 {frame.width} {frame.height}" style="max-width:{frame.width}px"'
    return f'<svg {size} role="img" aria-label="{escape(about)}">{axes_svg(frame)}{inside}</svg>'


def _text(
    text: str, x: float, y: float, anchor: str, *, kind: str = "value", more: str = ""
) -> str:
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}"{more}>'
        f"{escape(text)}</text>"
    )
