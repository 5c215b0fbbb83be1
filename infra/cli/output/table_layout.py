"""Layout of rows on a terminal: a table with wrapped texts, or a block per row. Pure.

Figures are never wrapped; headings are wrapped between words. If the texts of a table would become
narrower than `NARROWEST`, it is printed in blocks: one line per field, like `\\x` in `psql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NARROWEST = 18
GAP = 2
_MOST_LINES = 4
"""Maximum lines of a cell in a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A heading, and whether its cells are figures: right-aligned, not wrapped."""

    heading: str
    figures: bool = False


def column_widths(
    columns: Sequence[TableColumn], rows: Sequence[Sequence[str]], width: int
) -> list[int] | None:
    """Return the width of each column for a table of at most this width; `None` if it
    does not fit.
    """
    if not columns:
        return []
    natural = [
        max(_longest(each.heading), *(_longest(row[place]) for row in rows))
        if rows
        else _longest(each.heading)
        for place, each in enumerate(columns)
    ]
    room = width - GAP * (len(columns) - 1)
    widths = list(natural)
    cells = [max((_longest(row[at]) for row in rows), default=0) for at in range(len(columns))]
    least = [
        min(found, max(cell if each.figures else NARROWEST, _longest_word(each.heading)))
        for found, cell, each in zip(natural, cells, columns, strict=True)
    ]
    excess = sum(widths) - room
    while excess > 0:
        place = max(range(len(widths)), key=lambda at: widths[at] - least[at])
        spare = widths[place] - least[place]
        if spare <= 0:
            return None
        # The widest column shrinks to the next one, so that wide texts get about equal widths.
        others = [widths[at] for at in range(len(widths)) if at != place and widths[at] > least[at]]
        step = min(spare, excess, max(widths[place] - max(others, default=0), 1))
        widths[place] -= step
        excess -= step
    if any(
        _lines(row[place], size) > _MOST_LINES for row in rows for place, size in enumerate(widths)
    ):
        return None
    return widths


def blocks(
    columns: Sequence[TableColumn], rows: Sequence[Sequence[str]]
) -> list[list[tuple[str, str]]]:
    """Return each row as its fields, with headings padded to one width."""
    size = max((len(each.heading) for each in columns), default=0)
    return [
        [(each.heading.ljust(size), text) for each, text in zip(columns, row, strict=True)]
        for row in rows
    ]


def _longest(text: str) -> int:
    return max((len(line) for line in text.splitlines()), default=0)


def _longest_word(text: str) -> int:
    return max((len(word) for word in text.split()), default=0)


def _lines(text: str, size: int) -> int:
    return sum(-(-len(line) // max(size, 1)) for line in text.splitlines()) or 1
