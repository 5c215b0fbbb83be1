"""Where commands print: tables and colours on a terminal, plain text in a pipe, JSON on demand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=True)
"""Standard output."""

notes = Console(stderr=True, highlight=False, soft_wrap=True)
"""What is said besides the result: progress, what is being done."""


def print_json(value: Any) -> None:
    """A value as JSON, and nothing else."""
    import orjson

    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Rows under headings: a table on a terminal, tab-separated lines in a pipe.

    Cells may carry rich markup only when they are `rich.text.Text`; text of others stays as it is.
    """
    if not console.is_terminal:
        click.echo("\t".join(columns))
        for row in rows:
            click.echo("\t".join(cell(value) for value in row))
        return
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*(value if _is_rich(value) else _plain(value) for value in row))
    console.print(table)


def cell(value: Any) -> str:
    """One value as text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _plain(value: Any) -> Any:
    from rich.text import Text

    return Text(cell(value))


def _is_rich(value: Any) -> bool:
    return hasattr(value, "__rich_console__")
