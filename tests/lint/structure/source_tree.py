"""Reads the product's source tree: its modules, their packages and their syntax trees.

The product is every top-level folder with an `__init__.py`, except `tests`. Nothing is imported and
no path is fixed here, so moving files needs no change of the checks.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TESTS = "tests"


@dataclass(frozen=True, kw_only=True)
class Module:
    """One Python file."""

    name: str
    """Dotted, without `.__init__`."""

    path: str
    """Relative to the root, with forward slashes."""

    text: str

    @property
    def is_package(self) -> bool:
        """Whether the file is a package's `__init__.py`."""
        return self.path.endswith("/__init__.py")

    @property
    def package(self) -> str:
        """The dotted name of the file's folder."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def lines(self) -> int:
        """Lines of the file, blank ones and comments included."""
        return len(self.text.splitlines())

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file. Raises SyntaxError."""
        return ast.parse(self.text, self.path)


@dataclass(frozen=True, kw_only=True)
class SourceTree:
    """The product's files below one root."""

    root: Path
    modules: dict[str, Module]

    @cached_property
    def packages(self) -> frozenset[str]:
        """The dotted names of all folders that hold a module, at any depth."""
        found = set()
        for module in self.modules.values():
            parts = module.package.split(".")
            found |= {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        return frozenset(found)

    def sql_files(self) -> Iterator[tuple[str, int]]:
        """The dotted package and the lines of each SQL file."""
        for top in product_folders(self.root):
            for path in sorted(top.rglob("*.sql")):
                folder = path.parent.relative_to(self.root)
                yield ".".join(folder.parts), len(path.read_text().splitlines())


def product_folders(root: Path) -> list[Path]:
    """The top-level packages of a checkout, tests left out."""
    return sorted(
        path.parent
        for path in root.glob("*/__init__.py")
        if path.parent.name not in {TESTS, ".venv"}
    )


def read_tree(root: Path) -> SourceTree:
    """Read every Python file of the product below a checkout's root."""
    modules = {}
    for top in product_folders(root):
        for path in sorted(top.rglob("*.py")):
            relative = path.relative_to(root)
            parts = relative.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            modules[name] = Module(
                name=name, path=relative.as_posix(), text=path.read_text(encoding="utf-8")
            )
    return SourceTree(root=root, modules=modules)
