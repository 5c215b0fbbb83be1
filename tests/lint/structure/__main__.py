"""Checks the structure of the source tree, or prints figures about it.

`python -m tests.lint.structure` fails on an import circle, on a class name that is defined twice,
and on files and folders that are too large. Known ones are listed in the `allowed_*.txt` files
here, which may only shrink.

- `circles` prints only the circles, including those that only imports for type checkers close.
- `rewrite-lists` rewrites the lists for the current tree, after files have moved. It prints how
  many entries each list had and has: check the difference before you commit one that grew.
- `figures [ROOT]` prints tables about any checkout, and the path of one request.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.lint.structure.allowances import read_allowances, written
from tests.lint.structure.checks import (
    LISTS,
    SIZE_CHECKS,
    check_structure,
    circles_between_files,
    circles_between_packages,
    describe,
    typing_circles,
)
from tests.lint.structure.figures import figures
from tests.lint.structure.source_tree import SourceTree, read_tree

ROOT = Path(__file__).parents[3]


def main() -> int:
    """Run the check or print the requested output; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.lint.structure")
    parser.add_argument(
        "show", nargs="?", default="check", choices=["check", "circles", "rewrite-lists", "figures"]
    )
    parser.add_argument("root", nargs="?", type=Path, default=ROOT)
    arguments = parser.parse_args()
    tree = read_tree(arguments.root.resolve())
    if arguments.show == "check":
        return _check(tree)
    if arguments.show == "circles":
        _print_circles(tree)
    elif arguments.show == "rewrite-lists":
        _rewrite_lists(tree)
    else:
        print("\n".join(figures(tree)), flush=True)
        _print_request_path(tree.root)
    return 0


def _check(tree: SourceTree) -> int:
    wrong = check_structure(tree)
    print(
        "\n".join(wrong) or f"structure: {len(tree.modules)} modules, no fault that is not listed"
    )
    return bool(wrong)


def _rewrite_lists(tree: SourceTree) -> None:
    for check in SIZE_CHECKS:
        path = LISTS / check.list_name
        before, over = read_allowances(path), check.over(tree)
        path.write_text(written(over), encoding="utf-8")
        print(f"{check.list_name}: {len(before)} entries before, {len(over)} now")


def _print_circles(tree: SourceTree) -> None:
    for title, circles in (
        ("files", circles_between_files(tree)),
        ("files, closed by type-checking imports alone", typing_circles(tree)),
        ("packages", circles_between_packages(tree)),
    ):
        print(f"# circles between {title}: {len(circles)}")
        for circle in circles:
            print("\n".join(describe(circle)))


def _print_request_path(root: Path) -> None:
    """In a separate process: it imports the product of that root."""
    script = root / "tests/lint/structure/request_path.py"
    print()
    if script.exists():
        subprocess.run(
            [sys.executable, "-m", "tests.lint.structure.request_path"], cwd=root, check=True
        )
    else:
        print("This checkout has no request_path.py; copy it there to measure a request's way.")


if __name__ == "__main__":
    sys.exit(main())
