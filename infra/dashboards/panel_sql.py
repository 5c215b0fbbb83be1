"""A question's SQL as a panel of Grafana asks it. Pure.

The official data source puts the range of the dashboard in for `$__fromTime_ms` and `$__toTime_ms`
(its version 4.0.3 or later) and a dashboard's variable for `${name}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sinks.analytics.named_queries import BOUND, NamedQuery

_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_RANGE = {"since": "$__fromTime_ms", "until": "$__toTime_ms"}


def panel_sql(question: NamedQuery, parameters: Mapping[str, str]) -> str:
    """The question's text with its parameters and Grafana's range in their places.

    Raises:
        QueryParameterError: a parameter is unknown or missing.
    """
    fixed = {name: value for name, value in parameters.items() if not value.startswith("$")} | {
        name: _choice(question, name) for name, value in parameters.items() if value[0] == "$"
    }
    values = question.values(fixed) | dict(parameters)

    def literal(found: re.Match[str]) -> str:
        name, kind = found[1], found[2]
        if name in _RANGE:
            return _RANGE[name]
        return f"'{values[name]}'" if kind == "String" else values[name]

    return BOUND.sub(literal, _COMMENT.sub("", question.sql + "\n")).strip()


def _choice(question: NamedQuery, name: str) -> str:
    """Some value that the parameter may have, where a variable of the dashboard gives it."""
    return next(each.choices[0] for each in question.parameters if each.name == name)


def over_time(sql: str, time: str, names: Sequence[str]) -> str:
    """The columns of a line chart: a time, then a name of the line, if any, and values."""
    return f"SELECT {time} AS time, {', '.join(names)}\nFROM\n(\n{sql}\n)\nORDER BY time"


def only(sql: str, names: Sequence[str]) -> str:
    """Some columns of an answer, its rows in their order."""
    return f"SELECT {', '.join(names)}\nFROM\n(\n{sql}\n)"
