"""Every panel's SQL, as Grafana would send it, returns the result of its query."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from math import isnan
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from infra.dashboards.grafana import dashboard_json, sql_of
from infra.dashboards.panels import DASHBOARDS, EVERY, Dashboard, Panel
from infra.reference.__main__ import GRAFANA
from sinks.analytics.named_queries import question
from sinks.analytics.query_runner import QueryRunner, asker
from sinks.clickhouse.connection import connect
from sinks.settings import SinkSettings
from tests.sql.rig.asking import between, history
from tests.sql.rig.lives import HOUR, draw_lives
from tests.sql.rig.log import T0

NAME = "analytics_of_dashboards"
SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR
PANELS = [
    pytest.param(panel, every, id=f"{page.uid}: {panel.title} ({every})")
    for page in DASHBOARDS
    for panel in page.panels
    for every in (("day", "hour") if EVERY in panel.parameters.values() else ("day",))
]


@pytest.fixture(scope="module")
def grafana(clickhouse: str) -> Iterator[tuple[Client, QueryRunner]]:
    """A client like Grafana's and a `sluice query` runner, on a database with a history."""
    settings = SinkSettings(clickhouse_url=clickhouse, clickhouse_database=NAME)
    with (
        history(clickhouse, NAME, draw_lives(), since=SINCE, until=UNTIL),
        asker(settings) as asking,
    ):
        client = connect(settings)
        client.database = NAME
        yield client, asking
        client.close()


def _sent(sql: str, every: str) -> str:
    """What the data source sends: its macros, and the page's variable, put in."""
    return (
        sql.replace("$__fromTime_ms", f"fromUnixTimestamp64Milli({SINCE})")
        .replace("$__toTime_ms", f"fromUnixTimestamp64Milli({UNTIL})")
        .replace(EVERY, every)
    )


@pytest.mark.parametrize(("panel", "every"), PANELS)
def test_a_panel_returns_the_result_of_its_query(
    grafana: tuple[Client, QueryRunner], panel: Panel, every: str
) -> None:
    client, asking = grafana
    sent = _sent(sql_of(panel), every)
    assert "$" not in sent
    assert "{" not in sent
    shown = client.query(sent, query_tz="UTC", tz_mode="aware")
    answer = asking.ask(
        question(panel.question),
        range_=between(SINCE, UNTIL),
        parameters={
            name: every if value == EVERY else value for name, value in panel.parameters.items()
        },
    )
    names = panel.names or tuple(column.name for column in answer.columns)
    wanted: list[tuple[Any, ...]] = [
        tuple(row[name] for name in ((panel.time, *names) if panel.time else names))
        for row in answer.by_name()
    ]
    # The driver returns no column names without rows.
    columns = ("time", *names) if panel.time and shown.result_rows else names
    places = [shown.column_names.index(name) for name in columns if shown.result_rows]
    found = [tuple(_known(row[place]) for place in places) for row in shown.result_rows]
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and isnan(value) else value


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.uid)
def test_the_files_are_those_of_the_questions(page: Dashboard) -> None:
    assert (GRAFANA / f"{page.uid}.json").read_text() == dashboard_json(page), (
        "run `make docs` and commit the dashboards"
    )


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.uid)
def test_panels_do_not_overlap(page: Dashboard) -> None:
    places = [each["gridPos"] for each in json.loads(dashboard_json(page))["panels"]]
    for a, b in combinations(places, 2):
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        assert apart, (a, b)
    assert all(each["x"] + each["w"] <= 24 for each in places)
