"""Where commands print: tables and colours on a terminal, plain text in a pipe, JSON on demand."""

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
"""A number as figures are shown, or the dash of an unknown one."""


class Screen(Console):
    """A console to which no text brings what a terminal obeys, whoever wrote it."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's, texts without control and direction signs."""
        super().print(*(whole_text(o) if isinstance(o, str) else o for o in objects), **options)


console = Screen(highlight=False, soft_wrap=True)
"""Standard output."""

notes = Screen(stderr=True, highlight=False, soft_wrap=True)
"""What is said besides the result: progress, what is being done."""


def say(text: str, *, nl: bool = True, err: bool = False, bold: bool = False) -> None:
    """A text as it is, for a person or a pipe, without control and direction signs."""
    click.secho(whole_text(text), nl=nl, err=err, bold=bold or None)


def confirmed(question: str) -> bool:
    """Whether the operator agrees; the question goes to stderr.

    Raises:
        click.UsageError: nobody is there to be asked.
    """
    if not click.get_text_stream("stdin").isatty():
        raise click.UsageError(
            f"{whole_text(question)} There is no terminal to ask on; agree with --yes"
        )
    return click.confirm(whole_text(question), err=True)


def print_json(value: Any) -> None:
    """A value as JSON, and nothing else; what a terminal obeys is escaped in it."""
    import orjson

    text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()
    click.echo(escaped_json(text))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Rows under headings: a table on a terminal, or blocks where none fits; tab-separated lines in
    a pipe. Columns whose every cell is a number stand at the right.

    Cells may carry rich markup only when they are `rich.text.Text`; text of others stays as it is.
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
    """Rows under headings, as `print_table`; in a pipe the columns have these `names`, if given."""
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
    """One value as text."""
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
