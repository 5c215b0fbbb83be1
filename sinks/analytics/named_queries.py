"""The analytics questions: one SQL file each, described by the comment at its head.

The head is read by people and by `sluice query --list` alike. After the question and what is to be
known of its answer, it declares parameters and columns, a line each:

    -- param NAME = DEFAULT (CHOICE | CHOICE): meaning      without `= DEFAULT` it must be given
    -- column NAME [UNIT]: meaning

A question about a range of time takes `since`, inclusive, and `until`, exclusive, as well.
Parameters are bound by ClickHouse (`{name:Type}`), never pasted into the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources

from sinks.errors import QueryParameterError, UnknownQueryError

RANGE = ("since", "until")
"""Parameters of every question about a range of time."""

_PARAMETER = re.compile(
    r"param (?P<name>\w+)(?P<default> = [^(:]*)?(?:\((?P<choices>[^)]*)\))?: (?P<about>.+)"
)
_COLUMN = re.compile(r"column (?P<name>\w+) \[(?P<unit>[^\]]+)\]: (?P<about>.+)")
BOUND = re.compile(r"\{(\w+):((?:[^{}'])+(?:'[^']*'[^{}']*)*)\}")
"""A parameter in the SQL: its name, its type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter; `default` is `None` where it must be given; no `choices`: any value."""

    name: str
    type: str
    about: str
    default: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryColumn:
    """A column of the answer. `unit` is USD, ms, share (0..1), count, tokens, bytes, time, text, or
    number, whose meaning another column gives.
    """

    name: str
    unit: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """One question: what it asks, what is to be known of the answer, and the SQL that finds it."""

    name: str
    title: str
    about: str
    parameters: tuple[Parameter, ...]
    columns: tuple[QueryColumn, ...]
    sql: str

    @property
    def ranged(self) -> bool:
        """Whether it is about a range of time."""
        return "{since:" in self.sql

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Values of all its own parameters: those given, else the defaults.

        Raises:
            QueryParameterError: one is unknown, missing, or not among the choices.
        """
        known = {each.name: each for each in self.parameters}
        for name in given:
            if name not in known:
                has = ", ".join(known) or "none"
                raise QueryParameterError(
                    f"{self.name} has no parameter {name}; its parameters: {has}"
                )
        return {name: _value(self.name, each, given.get(name)) for name, each in known.items()}


def _value(question: str, parameter: Parameter, given: str | None) -> str:
    value = parameter.default if given is None else given
    if value is None:
        raise QueryParameterError(
            f"{question} needs {parameter.name} ({parameter.about}): --param {parameter.name}=VALUE"
        )
    if parameter.choices and value not in parameter.choices:
        raise QueryParameterError(
            f"{parameter.name} of {question} is one of {', '.join(parameter.choices)}"
        )
    return value


@cache
def questions() -> Mapping[str, NamedQuery]:
    """Every question by name, in the order of the names."""
    folder = resources.files("sinks").joinpath("analytics")
    texts = {
        entry.name.removesuffix(".sql"): entry.read_text()
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }
    return {name: parse_question(name, texts[name]) for name in sorted(texts)}


def question(name: str) -> NamedQuery:
    """A question by name.

    Raises:
        UnknownQueryError: there is none; the message has the nearest names.
    """
    known = questions()
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UnknownQueryError(f"no question is called {name}. {hint}All: sluice query --list")
    return known[name]


def parse_question(name: str, text: str) -> NamedQuery:
    """A question from its file.

    Raises:
        ValueError: the head is malformed, or declares other parameters than the SQL has.
    """
    lines = text.splitlines()
    head = [line[2:].strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
    bound = dict(BOUND.findall(sql))
    prose, parameters, columns = [], [], []
    for line in head:
        if line.startswith("param "):
            parameters.append(_parameter(name, line, bound))
        elif line.startswith("column "):
            columns.append(_column(name, line))
        else:
            prose.append(line)
    title, _, about = "\n".join(prose).strip().partition("\n\n")
    undeclared = set(bound) - {each.name for each in parameters} - set(RANGE)
    if undeclared or not columns or not title:
        raise ValueError(f"analytics/{name}.sql: the head lacks {undeclared or 'title or columns'}")
    return NamedQuery(
        name=name,
        title=title.replace("\n", " "),
        about=about.replace("\n", " "),
        parameters=tuple(parameters),
        columns=tuple(columns),
        sql=sql,
    )


def _parameter(question_name: str, line: str, bound: Mapping[str, str]) -> Parameter:
    found = _PARAMETER.fullmatch(line)
    if found is None or found["name"] not in bound:
        raise ValueError(f"analytics/{question_name}.sql: malformed or unused: {line}")
    default, choices = found["default"], found["choices"]
    return Parameter(
        name=found["name"],
        type=bound[found["name"]],
        about=found["about"],
        default=None if default is None else default.removeprefix(" =").strip(),
        choices=tuple(each.strip() for each in choices.split("|")) if choices else (),
    )


def _column(question_name: str, line: str) -> QueryColumn:
    found = _COLUMN.fullmatch(line)
    if found is None:
        raise ValueError(f"analytics/{question_name}.sql: malformed: {line}")
    return QueryColumn(name=found["name"], unit=found["unit"], about=found["about"])
