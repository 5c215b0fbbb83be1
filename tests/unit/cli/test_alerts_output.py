"""What `sluice alerts` shows of a log of alerts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from infra.cli.operations import alerts
from infra.cli.output.alerts import alerts_shown, evaluation_in_words, no_alerts_in_words
from schemas.alert_evaluation import AlertEvaluation
from schemas.events import Alert
from tests.unit.alerts.world import T0, raised

HOUR = 3_600_000


def _log() -> list[tuple[int, int, Alert]]:
    records = [
        raised("errors", "all", T0),
        replace(raised("errors", "all", T0 + HOUR), message="now"),
        replace(raised("spend", "acme", T0 + 2 * HOUR), severity="critical"),
        raised("lag", "t", T0 + 2 * HOUR),
        raised("lag", "t", T0 + 3 * HOUR, state="resolved"),
        raised("lag", "t", T0 + 3 * HOUR + 1, state="resolved"),
    ]
    return [(offset, alert.at, alert) for offset, alert in enumerate(records)]


def test_active_alerts_are_sorted_by_severity_then_age() -> None:
    shown = alerts_shown(_log(), T0 + 4 * HOUR)
    assert [each.fired.rule for each in shown.firing] == ["spend", "errors"]
    assert shown.firing[1].seen == T0 + HOUR
    assert shown.lately == ()


def test_changes_are_shown_latest_first_without_repeats() -> None:
    shown = alerts_shown(_log(), T0 + HOUR)
    changes = [(each.alert.rule, each.change.value) for each in shown.lately]
    assert changes == [("lag", "resolved"), ("lag", "fired"), ("spend", "fired")]


@pytest.fixture
def _read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> tuple[list[tuple[int, int, Alert]], AlertEvaluation]:
        return _log(), AlertEvaluation(worker="w7", at=T0)

    monkeypatch.setattr(alerts, "_read", read)


def _run(*arguments: str) -> Any:
    result = CliRunner().invoke(alerts.command, list(arguments))
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.usefixtures("_read")
def test_json_has_both_lists_and_nothing_else_on_standard_output() -> None:
    document = orjson.loads(_run("--json", "--since", "2020-01-01").stdout)
    assert [each["rule"] for each in document["firing"]] == ["spend", "errors"]
    assert document["firing"][1]["since"] == "2023-11-14T22:00:00.000+00:00"
    assert document["firing"][1]["message"] == "now"
    assert document["lately"][-1]["id"] == "llm.alerts.v1:0:0"
    assert document["evaluation"] == {"worker": "w7", "at": "2023-11-14T22:00:00.000+00:00"}


@pytest.mark.usefixtures("_read")
def test_in_a_pipe_each_alert_is_a_line() -> None:
    lines = _run("--since", "2020-01-01").stdout.splitlines()
    assert lines[1].split("\t")[:3] == ["critical", "spend", "acme"]
    assert len(lines) == 1 + 2 + 1 + 4


@pytest.mark.parametrize(
    ("age_s", "expected"), [(3, "evaluated by w7, last 3 s ago"), (61, "NO WORKER EVALUATES")]
)
def test_the_evaluator_is_shown(age_s: int, expected: str) -> None:
    evaluation = AlertEvaluation(worker="w7", at=T0)
    assert expected in evaluation_in_words(evaluation, T0 + age_s * 1000)


def test_a_time_that_can_not_be_read_is_a_wrong_question() -> None:
    result = CliRunner().invoke(alerts.command, ["--since", "soon"])
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("age_s", "is_known"), [(3, True), (61, False), (None, False)], ids=["now", "once", "never"]
)
def test_without_an_evaluator_no_alert_says_nothing_about_rules(
    age_s: int | None, is_known: bool
) -> None:
    evaluation = None if age_s is None else AlertEvaluation(worker="w7", at=T0)
    line = no_alerts_in_words(evaluation, T0 + (age_s or 0) * 1000)
    assert (line == "no active alerts") == is_known
    assert ("unknown" in line) != is_known
