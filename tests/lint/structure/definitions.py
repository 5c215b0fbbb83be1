"""Finds class names that are defined twice, and the parameters of functions."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tests.lint.structure.source_tree import SourceTree

DEPENDENCIES = "Dependencies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A function's parameters, `self` and `cls` left out."""

    place: str
    name: str
    parameters: int
    takes_dependencies: bool
    """It has a parameter called `deps`, or one of the type `Dependencies`."""


def repeated_class_names(tree: SourceTree) -> dict[str, list[str]]:
    """Each name that two or more classes at the top of modules bear, with their places."""
    places: dict[str, list[str]] = defaultdict(list)
    for module in tree.modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(f"{module.path}:{node.lineno}")
    return {name: found for name, found in sorted(places.items()) if len(found) > 1}


def signatures(tree: SourceTree) -> Iterator[Signature]:
    """Every function and method, nested ones included."""
    for module in tree.modules.values():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                parameters = _parameters(node.args)
                yield Signature(
                    place=f"{module.path}:{node.lineno}",
                    name=node.name,
                    parameters=len(parameters),
                    takes_dependencies=any(map(_is_dependencies, parameters)),
                )


def fields_of(tree: SourceTree, name: str) -> int:
    """The annotated fields of the first class of that name; 0 if there is none."""
    for module in tree.modules.values():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and node.name == name:
                return sum(isinstance(part, ast.AnnAssign) for part in node.body)
    return 0


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    named = [*arguments.posonlyargs, *arguments.args]
    if named and named[0].arg in {"self", "cls"}:
        named = named[1:]
    stars = [star for star in (arguments.vararg, arguments.kwarg) if star is not None]
    return [*named, *arguments.kwonlyargs, *stars]


def _is_dependencies(parameter: ast.arg) -> bool:
    if parameter.arg == "deps":
        return True
    return parameter.annotation is not None and any(
        (isinstance(node, ast.Name) and node.id == DEPENDENCIES)
        or (isinstance(node, ast.Attribute) and node.attr == DEPENDENCIES)
        for node in ast.walk(parameter.annotation)
    )
