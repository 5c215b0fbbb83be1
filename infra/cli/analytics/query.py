"""`sluice query`: run a named query and print the result as a table, CSV or JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from infra.cli.output.screen import console, notes, print_columns, print_json, say
from infra.cli.output.table_layout import TableColumn
from infra.figures import RIGHT, heading, shown
from infra.settings import InfraSettings

if TYPE_CHECKING:
    from sinks.analytics.named_queries import NamedQuery
    from sinks.analytics.query_runner import QueryResult, TimeRange


@click.command("query")
@click.argument("name", required=False)
@click.option("--list", "list_them", is_flag=True, help="List all queries with their parameters.")
@click.option("--since", default="24h", show_default=True, help="Start: 24h, 7d, today, ISO time.")
@click.option("--until", help="End, exclusive; default now, or the end of the day or week given.")
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="Value of a parameter.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    help="Output format.",
)
@click.option("--json", "as_json", is_flag=True, help="Short for --format json.")
def command(
    name: str | None,
    *,
    list_them: bool,
    since: str,
    until: str | None,
    given: tuple[str, ...],
    form: str,
    as_json: bool,
) -> None:
    """Run the query NAME on ClickHouse.

    Times are 90m, 24h, 7d, 2w ago, now, today, yesterday, "last week", "this month", a date, or an
    ISO time such as 2026-11-01T00:00Z. Days begin at midnight UTC. A span in --since also sets the
    end: "--since yesterday" is yesterday, "--since yesterday --until now" continues to now.
    """
    from infra.cli.arguments.time_range import given_range

    form = "json" if as_json else form
    if list_them:
        _list(as_json=form == "json")
        return
    if name is None:
        raise click.UsageError("give the name of a query, or list all: sluice query --list")
    between = given_range(since, until)
    answer = _result(name, between, _parameters(given))
    if form == "json":
        print_json(_document(answer))
    elif form == "csv":
        _print_csv(answer)
    else:
        show_answer(answer)


def ask_question(
    clickhouse_url: str,
    name: str,
    *,
    since: datetime,
    until: datetime | None = None,
    params: Mapping[str, str] | None = None,
) -> QueryResult:
    """Run a query on the ClickHouse at this URL, up to now unless `until` is given.

    Raises:
        UnknownQueryError: there is no query with this name.
        SinkError: ClickHouse does not respond, or rejects the query.
    """
    from datetime import UTC

    from sinks.analytics.named_queries import question
    from sinks.analytics.query_runner import TimeRange, ask
    from sinks.settings import SinkSettings

    between = TimeRange(since=since, until=until or datetime.now(UTC))
    settings = SinkSettings(clickhouse_url=clickhouse_url)
    return ask(question(name), settings, range_=between, parameters=params)


def show_answer(answer: QueryResult) -> None:
    """Print a result: a table on a terminal, tab-separated lines in a pipe."""
    if not answer.rows:
        notes.print(f"{answer.question.name}: no rows {_when(answer)}")
        return
    names = [column.name for column in answer.columns]
    texts = [
        [shown(value, column.unit) for value, column in zip(row, answer.columns, strict=True)]
        for row in answer.rows
    ]
    columns = [
        TableColumn(heading=heading(each.name, each.unit), figures=each.unit in RIGHT)
        for each in answer.columns
    ]
    print_columns(columns, texts, title=answer.question.title, names=names)
    if console.is_terminal:
        notes.print(_when(answer), style="dim")


def _result(name: str, between: TimeRange, parameters: Mapping[str, str]) -> QueryResult:
    from infra.devstack.addresses import clickhouse_address
    from sinks.analytics.named_queries import question
    from sinks.errors import QueryParameterError, UnknownQueryError

    try:
        question(name).values(parameters)
        return ask_question(
            clickhouse_address(InfraSettings()),
            name,
            since=between.since,
            until=between.until,
            params=parameters,
        )
    except (UnknownQueryError, QueryParameterError) as wrong:
        raise click.UsageError(str(wrong)) from None


def _parameters(given: Sequence[str]) -> dict[str, str]:
    parameters = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not name:
            raise click.UsageError(f"--param expects NAME=VALUE, not {each}")
        parameters[name] = value
    return parameters


def _when(answer: QueryResult) -> str:
    if answer.range is None:
        return "of this name"
    since, until = (
        time.strftime("%Y-%m-%d %H:%M:%S") for time in (answer.range.since, answer.range.until)
    )
    return f"from {since} to {until} UTC"


def _document(answer: QueryResult) -> dict[str, Any]:
    between = answer.range
    return {
        "question": answer.question.name,
        "since": between.since.isoformat() if between else None,
        "until": between.until.isoformat() if between else None,
        "columns": [{"name": each.name, "unit": each.unit} for each in answer.columns],
        "rows": answer.as_rows(),
    }


def _print_csv(answer: QueryResult) -> None:
    import csv
    import sys

    from core.untrusted_text import spreadsheet_cell

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([column.name for column in answer.columns])
    writer.writerows(
        ["" if value is None else spreadsheet_cell(value) for value in row.values()]
        for row in answer.as_rows()
    )


def _list(*, as_json: bool) -> None:
    from sinks.analytics.named_queries import questions

    known = list(questions().values())
    if as_json:
        print_json([_described(each) for each in known])
        return
    for each in known:
        say(each.name, bold=True)
        say(f"  {each.title}")
        for parameter in each.parameters:
            value = "required" if parameter.default is None else parameter.default or "empty"
            choices = f" ({', '.join(parameter.choices)})" if parameter.choices else ""
            say(f"  --param {parameter.name}= {parameter.about}; {value}{choices}")


def _described(each: NamedQuery) -> dict[str, Any]:
    from dataclasses import asdict

    described = asdict(each)
    del described["sql"]
    return described | {"ranged": each.ranged}
