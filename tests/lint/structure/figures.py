"""The figures of a checkout's structure, as Markdown tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from tests.lint.structure.checks import (
    circles_between_files,
    circles_between_packages,
    typing_circles,
)
from tests.lint.structure.circles import Circle, arrows
from tests.lint.structure.definitions import (
    DEPENDENCIES,
    fields_of,
    repeated_class_names,
    signatures,
)
from tests.lint.structure.sizes import folder_sizes, long_files
from tests.lint.structure.source_tree import SourceTree

WIDEST = 10


def figures(tree: SourceTree) -> Iterator[str]:
    """The lines of the report."""
    yield from _totals(tree)
    yield ""
    yield from _packages(tree)
    yield ""
    yield from _widest(tree)


def _totals(tree: SourceTree) -> Iterator[str]:
    folders = folder_sizes(tree)
    repeated = repeated_class_names(tree)
    files, packages = circles_between_files(tree), circles_between_packages(tree)
    python = sum(module.lines for module in tree.modules.values())
    sql = [lines for _, lines in tree.sql_files()]
    taking = sum(signature.takes_dependencies for signature in signatures(tree))
    yield "| figure | value |"
    yield "|---|---|"
    yield f"| Python files, lines | {len(tree.modules)}, {python} |"
    yield f"| SQL files, lines | {len(sql)}, {sum(sql)} |"
    yield f"| lines in all | {python + sum(sql)} |"
    yield f"| largest folders, Python files | {_named(islice(folders.items(), 5))} |"
    yield f"| files over 300 lines | {len(long_files(tree))} |"
    yield f"| class names used twice or more | {len(repeated)} {', '.join(repeated)} |"
    yield f"| files in circles | {_in_circles(files)} |"
    yield f"| packages in circles | {_in_circles(packages)} |"
    yield f"| file circles closed by type-checking imports alone | {len(typing_circles(tree))} |"
    yield f"| signatures that take `deps` | {taking} |"
    yield f"| fields of `{DEPENDENCIES}` | {fields_of(tree, DEPENDENCIES)} |"


def _packages(tree: SourceTree) -> Iterator[str]:
    files: Counter[str] = Counter()
    lines: Counter[str] = Counter()
    measured = [(module.package, module.lines) for module in tree.modules.values()]
    for package, length in (*measured, *tree.sql_files()):
        parts = package.split(".")
        for depth in range(1, min(len(parts), 2) + 1):
            name = ".".join(parts[:depth])
            files[name] += 1
            lines[name] += length
    yield "| package, sub-packages included | files | lines |"
    yield "|---|---|---|"
    for name in sorted(files):
        yield f"| {name} | {files[name]} | {lines[name]} |"


def _widest(tree: SourceTree) -> Iterator[str]:
    widest = sorted(signatures(tree), key=lambda one: (-one.parameters, one.place))[:WIDEST]
    yield "| widest signature | parameters | place |"
    yield "|---|---|---|"
    for one in widest:
        yield f"| `{one.name}` | {one.parameters} | {one.place} |"


def _in_circles(circles: list[Circle]) -> str:
    members = {member for circle in circles for member in circle.members}
    if not circles:
        return "0"
    return f"{len(members)}, in {len(circles)} circles of {len(arrows(circles))} arrows"


def _named(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts)
