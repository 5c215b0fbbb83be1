"""The checks of the tree's structure.

Import circles and repeated class names are never allowed. Files and folders over their size are in
a list each, which may only shrink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lint.structure.allowances import problems, read_allowances
from tests.lint.structure.circles import Circle, file_circles, package_circles
from tests.lint.structure.definitions import repeated_class_names
from tests.lint.structure.imports import imports_of
from tests.lint.structure.sizes import MOST_FILES, MOST_LINES, large_folders, long_files
from tests.lint.structure.source_tree import SourceTree

LISTS = Path(__file__).parent
SHOWN_IMPORTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeCheck:
    """A bound, the names over it, and the list of known ones."""

    what: str
    list_name: str
    over: Callable[[SourceTree], Mapping[str, int]]


SIZE_CHECKS = (
    SizeCheck(
        what=f"this file has more than {MOST_LINES} lines",
        list_name="allowed_long_files.txt",
        over=long_files,
    ),
    SizeCheck(
        what=f"this folder holds more than {MOST_FILES} Python files",
        list_name="allowed_large_folders.txt",
        over=large_folders,
    ),
)


def check_structure(tree: SourceTree, lists: Path = LISTS) -> list[str]:
    """What breaks a rule and is not allowed, or is allowed and breaks none. Raises ValueError."""
    circles = (*circles_between_files(tree), *circles_between_packages(tree))
    found = [line for circle in circles for line in describe(circle)]
    found += [
        f"this class name is defined more than once: {name} in {', '.join(places)}"
        for name, places in repeated_class_names(tree).items()
    ]
    for check in SIZE_CHECKS:
        allowed = read_allowances(lists / check.list_name)
        found += problems(check.over(tree), allowed, what=check.what, list_name=check.list_name)
    return found


def describe(circle: Circle) -> Iterator[str]:
    """A circle, and below it the import lines that make it."""
    yield f"circle: {circle}"
    for imports in circle.imports:
        yield from (f"    {one}" for one in imports[:SHOWN_IMPORTS])
        if len(imports) > SHOWN_IMPORTS:
            yield f"    ... and {len(imports) - SHOWN_IMPORTS} more imports between the two"


def circles_between_files(tree: SourceTree) -> list[Circle]:
    """The circles between files; imports for type checkers alone are left out."""
    return file_circles(one for one in imports_of(tree) if not one.typing_only)


def circles_between_packages(tree: SourceTree) -> list[Circle]:
    """The circles between sibling packages; imports for type checkers alone are left out."""
    return package_circles((one for one in imports_of(tree) if not one.typing_only), tree.packages)


def typing_circles(tree: SourceTree) -> list[Circle]:
    """The circles between files that only imports for type checkers close."""
    running = set(map(str, circles_between_files(tree)))
    return [circle for circle in file_circles(imports_of(tree)) if str(circle) not in running]
