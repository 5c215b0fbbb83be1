"""Finds regular expressions whose time can grow faster than the text they are used on.

Python's `re` backtracks: a pattern with overlapping repetitions can take quadratic, cubic or
exponential time (CWE-1333). The rules, for a pattern that is searched for in a long text:

- A repetition inside a repetition must not be able to split the same text in two ways.
- An unbounded repetition is allowed where nothing behind it can fail to match. It is also allowed
  where what follows can't begin with what it repeats, and where attempts from two starts never run
  over the same text: the pattern is anchored at the start of the text, or the repetition can't
  match the character that begins an attempt (a line break for `^` with MULTILINE).
- The attempts from one start are bounded: adjacent repetitions that can match the same character
  multiply, others add up; the sum is at most `MOST_STEPS`.

Run as `python -m tests.lint.regular_expressions`.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MOST_STEPS = 600
ROOT = Path(__file__).parents[2]
PACKAGES = ("core", "schemas", "streams", "sinks", "infra")
UNBOUNDED = 1 << 20

TRUSTED = {
    "sinks/analytics/named_queries.py": "reads the package's own SQL files",
    "infra/dashboards/panel_sql.py": "reads the package's own SQL files",
    "streams/registry/model_families.py": "a table of the package, used on names of models",
    "sinks/clickhouse/retention.py": "reads the tables' own definitions",
    "infra/simulator/responses/text_pieces.py": "splits the simulator's own answers",
    "infra/simulator/responses/classifications.py": "reads what our own judge asks",
}
"""Files whose patterns meet no text of strangers, and why."""

_SAMPLES = frozenset(map(chr, range(128))) | frozenset("éßñжשع中あ한ก\u00a0\u2028’–😀٣")
_CATEGORIES = {
    op.CATEGORY_DIGIT: str.isdecimal,
    op.CATEGORY_NOT_DIGIT: lambda char: not char.isdecimal(),
    op.CATEGORY_SPACE: str.isspace,
    op.CATEGORY_NOT_SPACE: lambda char: not char.isspace(),
    op.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
    op.CATEGORY_NOT_WORD: lambda char: not (char.isalnum() or char == "_"),
}

Node = tuple[Any, Any]
Chars = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A pattern that breaks a rule, and which."""

    place: str
    pattern: str
    what: str


class _Analysis:
    """One pattern: what it breaks."""

    def __init__(self, pattern: str, flags: int) -> None:
        self._tree = list(parser.parse(pattern, flags))
        self._flags = flags | parser.parse(pattern, flags).state.flags
        self.problems: list[str] = []

    def run(self) -> list[str]:
        """The rules that it breaks."""
        nodes = self._tree
        self._nested(nodes)
        steps = self._steps(nodes, may_fail=False)
        if steps > MOST_STEPS and self._starts():
            self.problems.append(f"up to {steps} attempts from one start, {MOST_STEPS} are allowed")
        return self.problems

    def _starts(self) -> Chars:
        """What begins an attempt: the first character, or what precedes it."""
        nodes = self._tree
        if nodes and nodes[0][0] is op.AT:
            if nodes[0][1] is op.AT_BEGINNING_STRING or not self._flags & re.MULTILINE:
                if nodes[0][1] in (op.AT_BEGINNING_STRING, op.AT_BEGINNING):
                    return frozenset()
            elif nodes[0][1] is op.AT_BEGINNING:
                return frozenset("\n")
        return self._first(nodes)

    def _inner(self, node: Node) -> Iterator[list[Node]]:
        kind, value = node
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            yield list(value[2])
        elif kind is op.SUBPATTERN:
            yield list(value[3])
        elif kind is op.ATOMIC_GROUP:
            yield list(value)
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            yield list(value[1])
        elif kind is op.BRANCH:
            yield from map(list, value[1])

    def _nested(self, nodes: Sequence[Node]) -> None:
        """A repeated body that ends in a repetition of what it may begin with is ambiguous."""
        for node in nodes:
            if node[0] in (op.MAX_REPEAT, op.MIN_REPEAT) and node[1][1] > 1:
                body = list(node[1][2])
                for ending in self._endings(body):
                    if self._first([ending]) & self._first(body):
                        self.problems.append("a repetition inside a repetition can split a text")
                if self._nullable(body) and node[1][1] > 1:
                    self.problems.append("a repetition of something that may be empty")
            for inner in self._inner(node):
                self._nested(inner)

    def _endings(self, body: Sequence[Node]) -> Iterator[Node]:
        """Repetitions that may be the last part of a body."""
        for node in reversed(body):
            if node[0] in (op.MAX_REPEAT, op.MIN_REPEAT) and node[1][1] > node[1][0]:
                yield node
            for inner in self._inner(node):
                if node[0] not in (op.ASSERT, op.ASSERT_NOT):
                    yield from self._endings(inner)
            if not self._nullable([node]):
                return

    def _steps(self, nodes: Sequence[Node], *, may_fail: bool) -> int:
        """Attempts from one start; `may_fail` whether something behind can fail to match."""
        total, chain, chain_chars = 0, 1, frozenset[str]()
        for place, node in enumerate(nodes):
            rest = nodes[place + 1 :]
            fails = may_fail or not self._nullable(rest)
            kind, value = node
            if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
                low, high, body = value[0], value[1], list(value[2])
                if high is parser.MAXREPEAT or high >= UNBOUNDED:
                    self._check_unbounded(node, rest, fails=fails)
                    low, high = 0, 1
                elif not fails or not self._repeated(node) & (self._first(rest) | self._starts()):
                    low, high = 0, 1
                attempts = min(high, UNBOUNDED) * self._steps(body, may_fail=fails)
                chars = self._first([node])
                if fails and high > low and chain_chars & chars:
                    total += chain * attempts - chain
                    chain *= attempts
                else:
                    total += attempts
                    chain = attempts
                chain_chars = chars if high > low else frozenset()
                continue
            total += self._steps_inside(node, may_fail=fails)
            if not self._nullable([node]):
                chain_chars = frozenset()
        return max(total, 1)

    def _steps_inside(self, node: Node, *, may_fail: bool) -> int:
        inner = [
            (self._first(each), self._steps(each, may_fail=may_fail)) for each in self._inner(node)
        ]
        if node[0] is not op.BRANCH:
            return sum(steps for _, steps in inner) or 1
        # Of the alternatives only those are tried that begin with the character that is there.
        return max(
            sum(1 if char not in first else steps for first, steps in inner)
            for char in frozenset().union(*(first for first, _ in inner)) or {""}
        )

    def _check_unbounded(self, node: Node, rest: Sequence[Node], *, fails: bool) -> None:
        if not fails:
            return
        repeated = self._repeated(node)
        if repeated & self._first(rest) and node[0] is not op.POSSESSIVE_REPEAT:
            self.problems.append("an unbounded repetition before what begins alike and can fail")
        if repeated & self._starts():
            self.problems.append("an unbounded repetition over text where attempts begin")

    def _repeated(self, node: Node) -> Chars:
        """Characters that a repetition can run over."""
        found: set[str] = set()
        for part in node[1][2]:
            found |= self._first_of(part)
        return frozenset(found)

    def _nullable(self, nodes: Sequence[Node]) -> bool:
        """Whether the rest can match the empty text, whatever follows; look-arounds can fail."""
        return all(self._may_be_empty(node) for node in nodes)

    def _may_be_empty(self, node: Node) -> bool:
        kind, value = node
        if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
            return False
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT) and value[0] == 0:
            return True
        return any(self._nullable(inner) for inner in self._inner(node))

    def _first(self, nodes: Sequence[Node]) -> Chars:
        """Characters with which the nodes can begin, of the samples."""
        found: set[str] = set()
        for node in nodes:
            found |= self._first_of(node)
            if node[0] is op.AT or node[0] in (op.ASSERT, op.ASSERT_NOT):
                continue
            if not self._nullable([node]):
                break
        return frozenset(found)

    def _first_of(self, node: Node) -> Chars:
        kind, value = node
        if kind is op.IN:
            return self._of_set(value)
        if kind is op.LITERAL:
            return self._folded({chr(value)})
        if kind in (op.NOT_LITERAL, op.ANY, op.GROUPREF):
            return _SAMPLES - self._never(kind, value)
        if kind in (op.AT, op.ASSERT, op.ASSERT_NOT):
            return frozenset()
        return frozenset().union(*(self._first(inner) for inner in self._inner(node)))

    def _never(self, kind: Any, value: Any) -> Chars:
        """What a node that matches nearly everything does not match."""
        if kind is op.NOT_LITERAL:
            return frozenset({chr(value)})
        return frozenset("\n" if kind is op.ANY and not self._flags & re.DOTALL else "")

    def _of_set(self, parts: Sequence[Node]) -> Chars:
        found: set[str] = set()
        negated = False
        for kind, value in parts:
            if kind is op.NEGATE:
                negated = True
            elif kind is op.LITERAL:
                found.add(chr(value))
            elif kind is op.RANGE:
                found |= {char for char in _SAMPLES if value[0] <= ord(char) <= value[1]}
            else:
                found |= set(filter(_CATEGORIES[value], _SAMPLES))
        return _SAMPLES - found if negated else self._folded(found)

    def _folded(self, chars: set[str]) -> Chars:
        if self._flags & re.IGNORECASE:
            chars = chars | {char.lower() for char in chars} | {char.upper() for char in chars}
        return frozenset(chars)


def problems_of(pattern: str, flags: int = 0) -> list[str]:
    """The rules that a pattern breaks."""
    return list(dict.fromkeys(_Analysis(pattern, flags).run()))


def findings() -> Iterator[Finding]:
    """Patterns of the source that break a rule, and calls that hide a pattern from this check."""
    for path in sorted(each for name in PACKAGES for each in (ROOT / name).rglob("*.py")):
        place = str(path.relative_to(ROOT))
        if place in TRUSTED:
            continue
        yield from _hidden(ast.parse(path.read_text()), place)
        if "import re\n" in path.read_text():
            yield from _of_module(place)


def _hidden(tree: ast.AST, place: str) -> Iterator[Finding]:
    """Uses of `re` that compile at run time: a pattern must be a constant of its module."""
    inside = {
        id(call)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for call in ast.walk(function)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value
        if not (isinstance(owner, ast.Name) and owner.id == "re") or node.func.attr == "escape":
            continue
        if node.func.attr != "compile" or id(node) in inside:
            what = f"re.{node.func.attr} at run time; compile the pattern as a constant"
            yield Finding(place=f"{place}:{node.lineno}", pattern="", what=what)


def _of_module(place: str) -> Iterator[Finding]:
    module = import_module(place.removesuffix(".py").replace("/", "."))
    for name, pattern in _patterns(vars(module)):
        if isinstance(pattern.pattern, str):
            for what in problems_of(pattern.pattern, pattern.flags & ~re.UNICODE):
                yield Finding(place=f"{place}:{name}", pattern=pattern.pattern, what=what)


def _patterns(names: dict[str, Any]) -> Iterator[tuple[str, re.Pattern[str]]]:
    for name, value in names.items():
        if isinstance(value, re.Pattern):
            yield name, value
        elif isinstance(value, tuple | list):
            yield from _patterns({f"{name}[{n}]": each for n, each in enumerate(value)})
        elif isinstance(value, dict) and name != "__builtins__":
            yield from _patterns({f"{name}[{key!r}]": each for key, each in value.items()})


def main() -> int:
    """Print every finding; 1 where there is one."""
    found = list(findings())
    for each in found:
        print(f"{each.place}: {each.what}: {each.pattern}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
