"""`sluice report`: its figures are the query results; it reports when there are none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infra.cli.analytics.report import command
from infra.figures import shown
from sinks.analytics.named_queries import question
from tests.sql.rig.asking import RunQuery, history, time_of
from tests.sql.rig.lives import HOUR, draw_lives
from tests.sql.rig.log import T0

NAME = "analytics_of_a_report"
SINCE, UNTIL = T0 + 6 * HOUR, T0 + 60 * HOUR


@pytest.fixture(scope="module")
def run_query(clickhouse: str) -> Iterator[RunQuery]:
    with history(clickhouse, NAME, draw_lives(), since=SINCE, until=UNTIL) as put:
        yield put


@pytest.fixture(scope="module")
def write(run_query: RunQuery, clickhouse: str, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """Writes the page about a range of hours after T0; the command's result and the page."""
    env = {"SLUICE_CLICKHOUSE_URL": clickhouse, "SLUICE_CLICKHOUSE_DATABASE": NAME}

    def run(since: int, until: int, out: Path | None = None) -> tuple[Result, str]:
        path = out or tmp_path_factory.mktemp("report") / "report.html"
        times = [
            f"--since={time_of(since).isoformat()}",
            f"--until={time_of(until).isoformat()}",
        ]
        result = CliRunner(env=env).invoke(command, [*times, f"--out={path}"])
        return result, path.read_text() if path.is_file() else ""

    return run


@pytest.fixture(scope="module")
def page(write) -> str:  # type: ignore[no-untyped-def]
    """The page about a range with traffic."""
    result, page = write(SINCE, UNTIL)
    assert result.exit_code == 0, result.output
    return str(page)


def test_report_figures_equal_the_query_results(run_query: RunQuery, page: str) -> None:
    for name in ("cost_vs_baseline", "provider_health", "quality_by_tier", "latency_by_tier"):
        rows = run_query(name)
        assert rows, name
        for column in question(name).columns:
            cell = shown(rows[0][column.name], column.unit)
            assert f">{cell}<" in page or cell == "-", (name, column.name)


def test_the_page_needs_nothing_from_elsewhere(page: str) -> None:
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "<script" not in page
    assert page.count("<svg") >= 3


def test_a_range_without_traffic_is_noted_and_still_gives_a_page(write) -> None:  # type: ignore[no-untyped-def]
    result, page = write(T0 + 900 * HOUR, T0 + 901 * HOUR)
    assert result.exit_code == 0
    assert "no traffic" in result.output
    assert "No data in this range" in page


def test_a_place_that_can_not_be_written_is_named(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result, _ = write(SINCE, UNTIL, tmp_path / "no" / "such" / "report.html")
    assert result.exit_code == 2
    assert "no/such" in result.output
