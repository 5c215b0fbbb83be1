"""Dashboards in Grafana's format. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from infra.dashboards.panel_sql import only, over_time, panel_sql
from infra.dashboards.panels import EVERY, Dashboard, Panel
from sinks.analytics.named_queries import NamedQuery, question

SOURCE = {"type": "grafana-clickhouse-datasource", "uid": "${source}"}
_TYPES = {"stat": "stat", "lines": "timeseries", "bars": "barchart", "table": "table"}
_UNITS = {
    "USD": "currencyUSD", "ms": "ms", "share": "percentunit", "bytes": "bytes",
    "count": "short", "tokens": "short", "tokens/s": "short",
}  # fmt: skip
_GRID = 24


def dashboard_json(dashboard: Dashboard) -> str:
    """Return a dashboard as the file that Grafana provisions."""
    document = {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["sluice"],
        "editable": True,
        "schemaVersion": 39,
        "timezone": "utc",
        "time": {"from": "now-7d", "to": "now"},
        "refresh": "1m",
        "templating": {"list": _variables(dashboard)},
        "panels": list(_panels(dashboard.panels)),
    }
    return json.dumps(document, indent=1) + "\n"


def sql_of(panel: Panel) -> str:
    """Return the SQL of a panel."""
    sql = panel_sql(question(panel.question), panel.parameters)
    if panel.time:
        return over_time(sql, panel.time, panel.names)
    return only(sql, panel.names) if panel.names else sql


def _variables(dashboard: Dashboard) -> list[dict[str, Any]]:
    found = [
        {
            "name": "source",
            "label": "ClickHouse",
            "type": "datasource",
            "query": SOURCE["type"],
        }
    ]
    if any(EVERY in panel.parameters.values() for panel in dashboard.panels):
        found.append({"name": "every", "label": "every", "type": "custom", "query": "day,hour"})
    return found


def _panels(panels: Sequence[Panel]) -> Iterator[dict[str, Any]]:
    left, top, tallest = 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if left + panel.width > _GRID:
            left, top, tallest = 0, top + tallest, 0
        yield {
            "id": number,
            "type": _TYPES[panel.kind],
            "title": panel.title,
            "description": question(panel.question).title,
            "datasource": SOURCE,
            "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height},
            "targets": [
                {
                    "refId": "A",
                    "datasource": SOURCE,
                    "editorType": "sql",
                    "queryType": "timeseries" if panel.time else "table",
                    "format": 0 if panel.time else 1,
                    "rawSql": sql_of(panel),
                }
            ],
            "fieldConfig": _fields(panel, question(panel.question)),
            "options": {},
        }
        left, tallest = left + panel.width, max(tallest, panel.height)


def _fields(panel: Panel, query: NamedQuery) -> dict[str, Any]:
    units = {column.name: _UNITS[column.unit] for column in query.columns if column.unit in _UNITS}
    shown = [name for name in panel.names if name in units]
    if panel.kind != "table":
        return {"defaults": {"unit": units[shown[0]]}, "overrides": []}
    return {
        "defaults": {},
        "overrides": [
            {
                "matcher": {"id": "byName", "options": name},
                "properties": [{"id": "unit", "value": unit}],
            }
            for name, unit in units.items()
        ],
    }
