"""The help of every command and subcommand, as one text.

`python -m tests.golden.help_texts` rewrites it after an intended change, `--print` prints it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from infra.cli.main import sluice

FILE = Path(__file__).parent / "help.txt"


def help_texts() -> str:
    """Every command's help at a width of 100 columns, in the order of `sluice --help`."""
    return "\n".join(_each("sluice", sluice, _context(sluice, "sluice")))


def _each(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    context.terminal_width = context.max_content_width = 100
    yield f"$ {name} --help\n{command.get_help(context)}\n"
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            below = command.get_command(context, part)
            assert below is not None
            yield from _each(f"{name} {part}", below, _context(below, part, context))


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return click.Context(command, parent=parent, info_name=name, **command.context_settings)


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(help_texts(), end="")
    else:
        FILE.write_text(help_texts())
