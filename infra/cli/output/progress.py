"""A progress bar on a terminal; in a pipe, a line at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from infra.cli.output.screen import notes


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show the progress of `total` steps; call the yielded function once per step."""
    done = 0

    def count() -> None:
        nonlocal done
        done += 1

    if not notes.is_terminal:
        try:
            yield count
        finally:
            notes.print(f"{done} of {total} {what}")
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=notes) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)
