"""Parts of a page: every text is escaped here, once, when it enters the markup.

A cell or a paragraph is plain text unless it is `Markup`, which only this package creates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

_FIGURE = ' class="figure"'


class Markup(str):
    """Text that is already HTML."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """A legend entry of a chart: `shape` is line, band, mark or bar; `kind` its colour."""

    name: str
    shape: str
    kind: str


def html_of(text: str) -> str:
    """Return a text as HTML."""
    return text if isinstance(text, Markup) else escape(text)


def section(heading: str, *parts: str) -> Markup:
    """Return a section with its heading; plain texts become paragraphs."""
    inside = "".join(
        part if isinstance(part, Markup) else f"<p>{escape(part)}</p>" for part in parts if part
    )
    return Markup(f"<section><h2>{escape(heading)}</h2>{inside}</section>")


def subheading(text: str) -> Markup:
    """Return a heading within a section."""
    return Markup(f"<h3>{escape(text)}</h3>")


def side_by_side(*parts: Markup) -> Markup:
    """Return charts side by side if the page is wide enough."""
    return Markup(f'<div class="pair">{"".join(parts)}</div>')


def right_or_wrong(text: str, *, right: bool = False, wrong: bool = False) -> Markup:
    """Return a cell's text, highlighted if it is correct or wrong."""
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
    """Return a table; columns in `words` (from 0) are left-aligned, figures right-aligned."""
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
    """Return key figures, each with its name."""
    inside = "".join(
        f"<div><dt>{html_of(name)}</dt><dd>{html_of(value)}</dd></div>" for name, value in named
    )
    return Markup(f'<dl class="figures">{inside}</dl>')


def figure(drawing: str, title: str, legend: Sequence[Legend] = (), caption: str = "") -> Markup:
    """Return a drawing (SVG) with title, legend and caption."""
    entries = "".join(
        f'<li><svg class="key" viewBox="0 0 28 12" aria-hidden="true">{_key(each)}</svg>'
        f"{escape(each.name)}</li>"
        for each in legend
    )
    shown = f'<ul class="legend">{entries}</ul>' if entries else ""
    captioned = f"<p>{escape(caption)}</p>" if caption else ""
    return Markup(
        f"<figure><figcaption>{escape(title)}</figcaption>{shown}{drawing}{captioned}</figure>"
    )


def _key(entry: Legend) -> str:
    kind = escape(entry.kind)
    if entry.shape == "line":
        return f'<line class="line {kind}" x1="0" x2="28" y1="6" y2="6"/>'
    if entry.shape == "mark":
        return f'<circle class="mark {kind}" cx="14" cy="6" r="4.5"/>'
    return f'<rect class="{entry.shape} {kind}" x="2" y="1" width="24" height="10"/>'


def excerpt(text: str, most: int = 300) -> str:
    """Return the beginning of a text on one line, at most this many characters, including an
    ellipsis.
    """
    line = " ".join(text[: most * 4].split())
    return line if len(line) <= most and len(text) <= most * 4 else line[: most - 1] + "…"
