"""Finds import circles between files, and between the packages of one parent.

A circle of packages can exist where no circle of files does: a file of A imports one of B, and
another file of B imports one of A. Packages are compared with their siblings: an import between
`streams.agents` and `streams.routing` is an arrow below `streams`, and one between
`streams.routing.llm` and `streams.routing.rules` is an arrow below `streams.routing`. A file
directly in the parent folder is a sibling too, so a circle through it is found. The parent's
`__init__.py` is none.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass

from tests.lint.structure.imports import Import

Graph = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A shortest way from a file or package back to itself, with the imports that make it."""

    members: tuple[str, ...]
    imports: tuple[tuple[Import, ...], ...]
    """For each member, the imports that lead to the next one."""

    def __str__(self) -> str:
        return " -> ".join((*self.members, self.members[0]))


def file_circles(imports: Iterable[Import]) -> list[Circle]:
    """The circles between modules."""
    return _circles(_between(imports, lambda found: (found.source, found.target)))


def package_circles(imports: Iterable[Import], packages: Container[str]) -> list[Circle]:
    """The circles between siblings, of which at least one is a package."""
    circles = _circles(_between(imports, lambda found: siblings(found.source, found.target)))
    return [circle for circle in circles if any(one in packages for one in circle.members)]


def arrows(circles: Iterable[Circle]) -> list[str]:
    """Each arrow `A -> B` that is on a circle."""
    return sorted(
        {
            f"{member} -> {circle.members[(at + 1) % len(circle.members)]}"
            for circle in circles
            for at, member in enumerate(circle.members)
        }
    )


def siblings(source: str, target: str) -> tuple[str, str] | None:
    """The packages or files at the level where two names part; None if one holds the other."""
    left, right = source.split("."), target.split(".")
    for depth, (here, there) in enumerate(zip(left, right, strict=False), 1):
        if here != there:
            return ".".join(left[:depth]), ".".join(right[:depth])
    return None


def _between(
    imports: Iterable[Import], ends: Callable[[Import], tuple[str, str] | None]
) -> dict[tuple[str, str], list[Import]]:
    found: dict[tuple[str, str], list[Import]] = defaultdict(list)
    for one in imports:
        pair = ends(one)
        if pair is not None and pair[0] != pair[1]:
            found[pair].append(one)
    return found


def _circles(between: Mapping[tuple[str, str], list[Import]]) -> list[Circle]:
    """For each arrow on a circle, the shortest circle through it; each circle once."""
    graph: dict[str, set[str]] = defaultdict(set)
    for source, target in between:
        graph[source].add(target)
    found = {}
    for source, target in sorted(between):
        back = _shortest(graph, target, source)
        if back is None:
            continue
        least = back.index(min(back))
        members = tuple(back[least:] + back[:least])
        steps = zip(members, (*members[1:], members[0]), strict=True)
        found[members] = Circle(
            members=members, imports=tuple(tuple(between[step]) for step in steps)
        )
    return [found[members] for members in sorted(found, key=lambda key: (len(key), key))]


def _shortest(graph: Graph, start: str, end: str) -> list[str] | None:
    came_from = {start: ""}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here == end:
            way = [here]
            while way[-1] != start:
                way.append(came_from[way[-1]])
            return way[::-1]
        for following in sorted(graph.get(here, ())):
            if following not in came_from:
                came_from[following] = here
                queue.append(following)
    return None
