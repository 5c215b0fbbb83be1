"""Finds files that are too long and folders with too many files.

Folders count their Python files. SQL files are left out: a folder with one file per query or
migration grows by design.
"""

from __future__ import annotations

from collections import Counter

from tests.lint.structure.source_tree import SourceTree

MOST_LINES = 300
MOST_FILES = 16


def folder_sizes(tree: SourceTree) -> dict[str, int]:
    """Each package's Python files, sub-packages left out, the largest first."""
    return dict(Counter(module.package for module in tree.modules.values()).most_common())


def long_files(tree: SourceTree) -> dict[str, int]:
    """The files over `MOST_LINES`, with their lines."""
    return {
        module.path: module.lines for module in tree.modules.values() if module.lines > MOST_LINES
    }


def large_folders(tree: SourceTree) -> dict[str, int]:
    """The folders over `MOST_FILES`, with their files."""
    return {
        package.replace(".", "/") + "/": files
        for package, files in folder_sizes(tree).items()
        if files > MOST_FILES
    }
