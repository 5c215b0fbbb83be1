"""Finds the imports between the product's own modules.

An import counts at any place: at the top of a module or inside a function. One below `if
TYPE_CHECKING:` is marked, because it does not run. Names that are looked up at run time
(`importlib.import_module`, entry points) are no imports here. `import a.b.c` counts as an import of
`a.b.c`, not of the packages above it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.lint.structure.source_tree import Module, SourceTree


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Import:
    """One import statement's way from a module to another."""

    source: str
    target: str
    path: str
    line: int
    text: str
    typing_only: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def imports_of(tree: SourceTree) -> list[Import]:
    """All imports between different modules of the tree."""
    return sorted(
        {
            found
            for module in tree.modules.values()
            for found in _imports(module, tree)
            if found.target != module.name
        }
    )


def _imports(module: Module, tree: SourceTree) -> Iterator[Import]:
    for node, typing_only in _statements(module.tree.body, typing_only=False):
        for target, text in _targets(node, module, tree):
            yield Import(
                source=module.name,
                target=target,
                path=module.path,
                line=node.lineno,
                text=text,
                typing_only=typing_only,
            )


def _statements(
    nodes: Iterable[ast.AST], *, typing_only: bool
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, typing_only
        elif isinstance(node, ast.If) and _asks_for_type_checking(node.test):
            yield from _statements(node.body, typing_only=True)
            yield from _statements(node.orelse, typing_only=typing_only)
        else:
            yield from _statements(ast.iter_child_nodes(node), typing_only=typing_only)


def _asks_for_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _targets(
    node: ast.Import | ast.ImportFrom, module: Module, tree: SourceTree
) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name in tree.modules:
                yield alias.name, f"import {alias.name}"
        return
    origin = _origin(node, module)
    for alias in node.names:
        inner = f"{origin}.{alias.name}"
        target = inner if inner in tree.modules else origin
        if target in tree.modules:
            yield target, f"from {origin} import {alias.name}"


def _origin(node: ast.ImportFrom, module: Module) -> str:
    """The absolute name of what an import names, relative ones resolved."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)
