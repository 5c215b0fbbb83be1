"""Output streams of commands: tables and colours on a terminal, plain text in a pipe, JSON on
request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from core.untrusted_text import escaped_json, one_line, whole_text
from infra.cli.output.table_layout import GAP, NARROWEST, TableColumn, blocks, column_widths

_FIGURE = re.compile(r"[-+]?\$?[\d,]{0,20}\.?\d{1,20} ?(%|ms|s)?|-")
"""A formatted number, or the dash of an unknown one."""


class Screen(Console):
    """A console that removes terminal control sequences from all text."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print like rich, without control and bidirectional characters."""
        super().print(*(whole_text(o) if isinstance(o, str) else o for o in objects), **options)


console = Screen(highlight=False, soft_wrap=True)
"""Standard output."""

notes = Screen(stderr=True, highlight=False, soft_wrap=True)
"""Standard error, for progress and notes."""


def say(text: str, *, nl: bool = True, err: bool = False, bold: bool = False) -> None:
    """Print a text for a person or a pipe, without control and bidirectional characters."""
    click.secho(whole_text(text), nl=nl, err=err, bold=bold or None)


def confirmed(question: str) -> bool:
    """Ask the operator for confirmation on stderr.

    Raises:
        click.UsageError: there is no terminal.
    """
    if not click.get_text_stream("stdin").isatty():
        raise click.UsageError(
            f"{whole_text(question)} There is no terminal for the confirmation; confirm with --yes"
        )
    return click.confirm(whole_text(question), err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON and nothing else, with control characters escaped."""
    import orjson

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    click.echo(escaped_json(text))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print rows under headings: a table on a terminal, or blocks if it does not fit; tab-separated
    lines in a pipe. Columns with only numbers are right-aligned.

    Cells may have rich markup only as `rich.text.Text`; other text is printed unchanged.
    """
    given = [list(row) for row in rows]
    print_columns(
        [
            TableColumn(
                heading=name, figures=bool(given) and all(_is_figure(row[at]) for row in given)
            )
            for at, name in enumerate(columns)
        ],
        given,
        title=title,
    )


def print_columns(
    columns: Sequence[TableColumn],
    rows: Sequence[Sequence[Any]],
    *,
    title: str = "",
    names: Sequence[str] = (),
) -> None:
    """Print rows under headings, like `print_table`; in a pipe the columns have these `names`, if
    given.
    """
    from rich.text import Text

    texts = [[_shown(value) for value in row] for row in rows]
    if not console.is_terminal:
        for line in (names or [each.heading for each in columns], *texts):
            say("\t".join(map(one_line, line)))
        return
    widths = column_widths(columns, texts, console.width)
    if widths is None:
        if title:
            console.print(Text(title, style="italic"), soft_wrap=False)
        for number, block in enumerate(blocks(columns, texts)):
            if number:
                console.print()
            for place, (heading, _) in enumerate(block):
                indent = len(heading) + GAP
                value = _cell(rows[number][place])
                lines = value.wrap(console, max(console.width - indent, NARROWEST)) or [Text()]
                console.print(Text(heading + " " * GAP, style="bold").append_text(lines[0]))
                for more in lines[1:]:
                    console.print(Text(" " * indent).append_text(more))
        return
    table = Table(
        title=title or None, title_justify="left", header_style="bold", box=None, padding=(0, 0),
        pad_edge=False, collapse_padding=True,
    )  # fmt: skip
    for place, (column, width) in enumerate(zip(columns, widths, strict=True)):
        if place:
            table.add_column("", width=GAP)
        right = "right" if column.figures else "left"
        table.add_column(Text(column.heading), justify=right, width=width, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        cells: list[Any] = []
        for place, value in enumerate(row):
            cells += [*([""] if place else []), _cell(value)]
        table.add_row(*cells)
    console.print(table, soft_wrap=False)


def cell(value: Any) -> str:
    """Return one value as text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return whole_text(str(value))


def _shown(value: Any) -> str:
    return value.plain if _is_rich(value) else cell(value)


def _cell(value: Any) -> Any:
    from rich.text import Text

    return value if _is_rich(value) else Text(cell(value))


def _is_figure(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    text = _shown(value)
    return isinstance(value, int | float) or _FIGURE.fullmatch(text) is not None


def _is_rich(value: Any) -> bool:
    return hasattr(value, "__rich_console__")


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, in the plural unless it is one: `1 record`, `2 records`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
