"""SQL of a named query for a Grafana panel. Pure.

The official data source replaces `$__fromTime_ms` and `$__toTime_ms` by the dashboard's range
(version 4.0.3 or later) and `${name}` by a dashboard variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sinks.analytics.named_queries import BOUND, NamedQuery

_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_RANGE = {"since": "$__fromTime_ms", "until": "$__toTime_ms"}


def panel_sql(question: NamedQuery, parameters: Mapping[str, str]) -> str:
    """Return the query's text with its parameters and Grafana's range filled in.

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
    """Return a valid value of a parameter that a dashboard variable sets."""
    return next(each.choices[0] for each in question.parameters if each.name == name)


def over_time(sql: str, time: str, names: Sequence[str]) -> str:
    """Select the columns of a line chart: a time, the name of the line, if any, and values."""
    return f"SELECT {time} AS time, {', '.join(names)}\nFROM\n(\n{sql}\n)\nORDER BY time"


def only(sql: str, names: Sequence[str]) -> str:
    """Select some columns of a result, with its rows in order."""
    return f"SELECT {', '.join(names)}\nFROM\n(\n{sql}\n)"
