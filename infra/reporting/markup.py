"""Pieces of a page: every text is escaped here, once, on its way into the markup.

A cell or a paragraph is plain text unless it is `Markup`, which was made by this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_FIGURE = ' class="figure"'


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """An entry of a chart's legend: `shape` is line, band, mark or bar; `kind` its colour."""

    name: str
    shape: str
    kind: str


def html_of(text: str) -> str:
    """A text as it stands in the page."""
    return text if isinstance(text, Markup) else escape(text)


def section(heading: str, *parts: str) -> Markup:
    """A part of the page under its heading; plain texts become paragraphs."""
    inside = "".join(
        part if isinstance(part, Markup) else f"<p>{escape(part)}</p>" for part in parts if part
    )
    return Markup(f"<section><h2>{escape(heading)}</h2>{inside}</section>")


def subheading(text: str) -> Markup:
    """A heading within a section."""
    return Markup(f"<h3>{escape(text)}</h3>")


def side_by_side(*parts: Markup) -> Markup:
    """Charts beside each other where the page is wide enough."""
    return Markup(f'<div class="pair">{"".join(parts)}</div>')


def right_or_wrong(text: str, *, right: bool = False, wrong: bool = False) -> Markup:
    """A cell's text, set off where it is what should be, or what should not."""
    if not (right or wrong):
        return Markup(escape(text))
    kind = "right" if right else "wrong"
    return Markup(f'<span class="{kind}">{escape(text)}</span>')


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    words: Iterable[int] = (0,),
    kind: str = "",
) -> Markup:
    """A table; columns in `words` (counted from 0) stand at the left, figures at the right."""
    left = frozenset(words)

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{'' if place in left else _FIGURE}>{html_of(text)}</{tag}>"
            for place, text in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return Markup(
        f'<div class="wide"><table class="{escape(kind)}"><thead><tr>{cells("th", heads)}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def key_figures(named: Iterable[tuple[str, str]]) -> Markup:
    """Figures that stand for themselves, each under its name."""
    inside = "".join(
        f"<div><dt>{html_of(name)}</dt><dd>{html_of(value)}</dd></div>" for name, value in named
    )
    return Markup(f'<dl class="figures">{inside}</dl>')


def figure(drawing: str, title: str, legend: Sequence[Legend] = (), caption: str = "") -> Markup:
    """A drawing (SVG) with title, legend and what is to be known of it."""
    entries = "".join(
        f'<li><svg class="key" viewBox="0 0 28 12" aria-hidden="true">{_key(each)}</svg>'
        f"{escape(each.name)}</li>"
        for each in legend
    )
    shown = f'<ul class="legend">{entries}</ul>' if entries else ""
    said = f"<p>{escape(caption)}</p>" if caption else ""
    return Markup(
        f"<figure><figcaption>{escape(title)}</figcaption>{shown}{drawing}{said}</figure>"
    )


def _key(entry: Legend) -> str:
    kind = escape(entry.kind)
    if entry.shape == "line":
        return f'<line class="line {kind}" x1="0" x2="28" y1="6" y2="6"/>'
    if entry.shape == "mark":
        return f'<circle class="mark {kind}" cx="14" cy="6" r="4.5"/>'
    return f'<rect class="{entry.shape} {kind}" x="2" y="1" width="24" height="10"/>'


def excerpt(text: str, most: int = 300) -> str:
    """The beginning of a text on one line, at most so many characters, an ellipsis included."""
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most and len(text) <= most * 4 else line[: most - 1] + "…"
