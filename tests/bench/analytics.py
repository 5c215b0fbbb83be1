"""`make bench-analytics`: millions of generated requests: load time, size on disk, query time."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

from clickhouse_connect.driver.client import Client

from infra.cli.output.screen import console, notes, print_table
from infra.devstack.clickhouse import LocalClickHouse
from infra.devstack.preparation import migrate_tables
from sinks.analytics.named_queries import NamedQuery, questions
from sinks.analytics.query_runner import TimeRange, ask
from sinks.clickhouse.connection import connect
from sinks.errors import ClickHouseRefusedError
from sinks.settings import SinkSettings

RESULTS = Path("results/analytics.json")
DAYS = 30
BATCH = 500_000
"""Requests that one insert makes."""

TABLES = ("outcomes", "calls", "quality")
RUNS = 5
GOAL_MS = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a question took: the least and the median of some runs, ms, and its rows; or why
    it was not answered.
    """

    question: str
    range: str
    least_ms: float = float("inf")
    median_ms: float = float("inf")
    rows: int = 0
    refused: str = ""


def main() -> int:
    """Load, measure, query; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.analytics")
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the data; used again if it is full")
    parser.add_argument("names", nargs="*", help="questions; all unless named")
    chosen = parser.parse_args()
    logging.getLogger("clickhouse_connect").setLevel(logging.ERROR)
    folder = chosen.keep or Path(tempfile.mkdtemp(prefix="sluice-analytics-"))
    try:
        with _clickhouse(folder) as settings:
            figures = _measure(settings, chosen.requests, chosen.names)
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=1))
    console.print(f"written to {RESULTS}")
    return 0


@contextmanager
def _clickhouse(folder: Path) -> Iterator[SinkSettings]:
    node = LocalClickHouse.in_folder(folder)
    process = node.start()
    try:
        migrate_tables(node.url)
        yield SinkSettings(clickhouse_url=node.url)
    finally:
        process.stop()


def _measure(settings: SinkSettings, requests: int, names: list[str]) -> dict[str, object]:
    client = connect(settings)
    client.database = settings.clickhouse_database
    loaded = _load(client, requests)
    sizes = _sizes(client, requests)
    print_table(("table", "rows", "MB", "bytes a row", "bytes a request"), sizes)
    end = _first(client, "SELECT max(at) FROM outcomes", query_tz="UTC", tz_mode="aware")
    chosen = [each for name, each in questions().items() if not names or name in names]
    timings = [
        _timed(settings, client, each, label, TimeRange(since=end - since, until=end))
        for each in chosen
        for label, since in (("all", timedelta(days=DAYS + 1)), ("24 h", timedelta(hours=24)))
        if each.ranged or label == "all"
    ]
    print_table(
        ("question", "range", "least, ms", "median, ms", "rows"),
        [
            (
                each.question,
                each.range,
                f"{each.least_ms:.0f}",
                f"{each.median_ms:.0f}",
                each.refused or each.rows,
            )
            for each in timings
        ],
    )
    over = [each.question for each in timings if each.least_ms > GOAL_MS]
    console.print(f"over {GOAL_MS:.0f} ms: {', '.join(sorted(set(over))) or 'none'}")
    return {
        "requests": requests,
        "requests_per_s": loaded,
        "tables": sizes,
        "questions": [asdict(each) for each in timings],
    }


def _first(client: Client, sql: str, **options: Any) -> Any:
    row = client.query(sql, **options).first_row
    assert row is not None
    return row[0]


def _load(client: Client, requests: int) -> float | None:
    """Requests/s with all their rows; `None` where they were there already."""
    if _first(client, "SELECT count() FROM outcomes"):
        return None
    client.command("DROP VIEW IF EXISTS made")
    client.command(_sql("requests"))
    begun = time.perf_counter()
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    step = DAYS * 86_400_000 / requests
    for first in range(0, requests, BATCH):
        values = {
            "begin": int(begin.timestamp() * 1000),
            "step": step,
            "first": first,
            "count": min(BATCH, requests - first),
        }
        for table in TABLES:
            client.command(_sql(table), parameters=values)
        notes.print(f"{first + values['count']:,} requests", end="\r")
    took = time.perf_counter() - begun
    notes.print(f"{requests / took:,.0f} requests/s loaded, with all their rows")
    return round(requests / took)


def _sizes(client: Client, requests: int) -> list[tuple[object, ...]]:
    found = client.query(
        "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)} "
        "GROUP BY table ORDER BY table",
        parameters={"tables": list(TABLES)},
    ).result_rows
    return [
        (table, rows, round(size / 1e6), round(size / rows, 1), round(size / requests, 1))
        for table, rows, size in found
    ]


def _timed(
    settings: SinkSettings, client: Client, question: NamedQuery, label: str, range_: TimeRange
) -> Timing:
    one = _first(client, "SELECT request_id FROM outcomes LIMIT 1 OFFSET 1000")
    given = {
        each.name: one if each.name == "request_id" else "cheaper"
        for each in question.parameters
        if each.default is None
    }
    took = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        try:
            answer = ask(question, settings, range_=range_, parameters=given)
        except ClickHouseRefusedError as error:
            return Timing(question=question.name, range=label, refused=str(error)[:80])
        took.append((time.perf_counter() - begun) * 1000)
    return Timing(
        question=question.name,
        range=label,
        least_ms=round(min(took), 1),
        median_ms=round(median(took), 1),
        rows=len(answer.rows),
    )


def _sql(name: str) -> str:
    return resources.files("tests.bench").joinpath("made", f"{name}.sql").read_text()


if __name__ == "__main__":
    sys.exit(main())
