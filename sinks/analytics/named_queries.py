"""Named analytics queries: one SQL file each, described by the comment at its head.

People and `sluice query --list` read the head. After the title and notes on the
result, it declares parameters and columns, one per line:

    -- param NAME = DEFAULT (CHOICE | CHOICE): meaning      required without `= DEFAULT`
    -- column NAME [UNIT]: meaning

A query over a time range also takes `since`, inclusive, and `until`, exclusive.
ClickHouse binds the parameters (`{name:Type}`); they are never inserted into the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources

from sinks.errors import QueryParameterError, UnknownQueryError

FORMER_NAMES = {"undershot": "misrouted_requests"}
"""Queries by the name that they had before; both names are accepted."""

RANGE = ("since", "until")
"""Parameters of every query over a time range."""

_PARAMETER = re.compile(
    r"param (?P<name>\w+)(?P<default> = [^(:]*)?(?:\((?P<choices>[^)]*)\))?: (?P<about>.+)"
)
_COLUMN = re.compile(r"column (?P<name>\w+) \[(?P<unit>[^\]]+)\]: (?P<about>.+)")
BOUND = re.compile(r"\{(\w+):((?:[^{}'])+(?:'[^']*'[^{}']*)*)\}")
"""A parameter in the SQL: name and type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter; `default` is `None` if it is required; without `choices` any value is valid."""

    name: str
    type: str
    about: str
    default: str | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryColumn:
    """A column of the result. `unit` is USD, ms, share (0..1), count, tokens, bytes, time, text, or
    number, if another column gives the meaning.
    """

    name: str
    unit: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedQuery:
    """One query: title, notes on the result, and SQL."""

    name: str
    title: str
    about: str
    parameters: tuple[Parameter, ...]
    columns: tuple[QueryColumn, ...]
    sql: str

    @property
    def ranged(self) -> bool:
        """Return whether the query has a time range."""
        return "{since:" in self.sql

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return values of all its own parameters: the given ones, else the defaults.

        Raises:
            QueryParameterError: a parameter is unknown, missing, or not among the choices.
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
    """Return every query by name, sorted by name."""
    folder = resources.files("sinks").joinpath("analytics")
    texts = {
        entry.name.removesuffix(".sql"): entry.read_text()
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }
    return {name: parse_question(name, texts[name]) for name in sorted(texts)}


def question(name: str) -> NamedQuery:
    """Return a query by name.

    Raises:
        UnknownQueryError: there is none; the message has the nearest names.
    """
    known = questions()
    name = FORMER_NAMES.get(name, name)
    if name not in known:
        near = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(near)}? " if near else ""
        raise UnknownQueryError(f"no query is called {name}. {hint}List all: sluice query --list")
    return known[name]


def parse_question(name: str, text: str) -> NamedQuery:
    """Parse a query from its file.

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
