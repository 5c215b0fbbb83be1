"""`sluice report`: one self-contained page about a time range of traffic."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli.arguments.values import OutFile
from infra.cli.output.screen import console, notes
from infra.settings import InfraSettings

if TYPE_CHECKING:
    from sinks.analytics.query_runner import TimeRange

_PLAIN = (
    "cost_vs_baseline",
    "routing_distribution",
    "escalation_value",
    "quality_by_tier",
    "misclassification",
    "latency_by_tier",
    "routing_overhead",
    "provider_health",
    "fallback_rate",
    "experiment",
    "experiment_arms",
    "shadow",
    "dead_letters",
    "cache_effects",
)
_BY = ("model", "feature", "tenant", "purpose")
_LONG = timedelta(days=3)
"""Ranges of this length or more are shown by day."""


@click.command("report")
@click.option("--since", default="7d", show_default=True, help="Start: 24h, 7d, today, ISO time.")
@click.option("--until", help="End, exclusive; default now.")
@click.option(
    "--out",
    type=OutFile(),
    default=Path("report.html"),
    show_default=True,
    help="Path of the page.",
)
def command(*, since: str, until: str | None, out: Path) -> None:
    """Write a page about cost, savings, routing, quality and latency.

    It is self-contained and contains no prompts and no answers.
    """
    from infra.cli.arguments.time_range import given_range

    between = given_range(since, until)
    every = "day" if between.until - between.since >= _LONG else "hour"
    answers = _answers(between, every)
    if not answers["cost_by.model"] and not answers["routing_distribution"]:
        notes.print(f"no traffic from {between.since} to {between.until}")
    _write(out, between, every, answers)
    console.print(str(out))


def _answers(between: TimeRange, every: str) -> dict[str, list[dict[str, Any]]]:
    from infra.devstack.addresses import clickhouse_address
    from sinks.analytics.named_queries import question
    from sinks.analytics.query_runner import asker
    from sinks.settings import SinkSettings

    with asker(SinkSettings(clickhouse_url=clickhouse_address(InfraSettings()))) as asking:

        def rows(name: str, **given: str) -> list[dict[str, Any]]:
            return asking.ask(question(name), range_=between, parameters=given).by_name()

        answers = {name: rows(name) for name in _PLAIN}
        answers |= {f"cost_by.{by}": rows("cost_by", by=by) for by in _BY}
        answers |= {
            f"extremes.{by}": rows("extremes", by=by, limit="10") for by in ("latency", "cost")
        }
        answers["savings"] = rows("savings", every=every)
        answers["routing_distribution.over_time"] = rows("routing_distribution", every=every)
    return answers


def _write(
    out: Path, between: TimeRange, every: str, answers: dict[str, list[dict[str, Any]]]
) -> None:
    from infra.reporting.page import ReportError
    from infra.reporting.traffic_page import TrafficFigures, traffic_page

    traffic = TrafficFigures(
        since=between.since,
        until=between.until,
        every=every,
        answers=answers,
        tiers=InfraSettings().tier_names,
    )
    try:
        out.write_text(traffic_page(traffic), encoding="utf-8")
    except OSError as error:
        raise ReportError(
            f"{out}: cannot be written ({error.strerror}); give another file with --out"
        ) from None
