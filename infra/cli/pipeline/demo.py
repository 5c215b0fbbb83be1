"""`sluice demo`: run the sample workload on the local pipeline and show the savings."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from infra.cli.output.screen import console, notes, print_json
from infra.cli.pipeline.local_pipeline import bring_down, bring_up
from infra.devstack.processes.state import is_running
from infra.settings import InfraSettings

if TYPE_CHECKING:
    from infra.demo import DemoRun

QUESTIONS = ("routing_distribution", "cost_vs_baseline", "misrouted_requests")
"""The queries shown at the end of the demo."""


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave the pipeline running afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, keep: bool, as_json: bool) -> None:
    """Start the local pipeline, send the sample workload, show the savings.

    A pipeline that already runs in .sluice/ is used, and keeps running.
    """
    settings = InfraSettings()
    found = is_running(settings.home)
    if not found:
        bring_up(settings, detached=True)
    try:
        _show(settings, as_json=as_json)
    finally:
        if not found and not keep:
            bring_down(settings.home)
    notes.print()
    notes.print("Next:", style="bold")
    if not found and not keep:
        notes.print("  sluice up --detach             the pipeline, until `sluice down`")
    notes.print("  sluice ask 'What is Kafka?'    one request")
    notes.print(f"  base_url={_gateway(settings)}  any OpenAI client, while the pipeline runs")
    notes.print("  sluice send FILE.jsonl         many requests")
    notes.print("  sluice query --list            all named queries")


def _gateway(settings: InfraSettings) -> str:
    """Return the address that clients of the local gateway use."""
    from infra.devstack.components import gateway

    return f"{gateway(settings, settings.home.absolute(), {}).address}/v1"


def _show(settings: InfraSettings, *, as_json: bool) -> None:
    from datetime import UTC, datetime

    from infra.cli.analytics.query import ask_question, show_answer
    from infra.demo import run_demo
    from infra.devstack.addresses import clickhouse_address, kafka_address

    since = datetime.now(UTC)
    bootstrap, database = kafka_address(settings), clickhouse_address(settings)
    with _live() as on_reply:
        done = asyncio.run(run_demo(bootstrap, database, uuid.uuid4().hex[:6], on_reply))
    answers = {name: ask_question(database, name, since=since) for name in QUESTIONS}
    if as_json:
        print_json(_document(done) | {name: each.as_rows() for name, each in answers.items()})
        return
    _summary(done)
    for name, answer in answers.items():
        console.print()
        notes.print(f"sluice query {name}", style="bold")
        show_answer(answer)


def _document(done: DemoRun) -> dict[str, Any]:
    return {
        "run": done.run,
        **done.totals.as_document(),
        "needed_a_stronger_model": done.needing,
        "of_these_below_the_bar": done.below_bar,
    }


def _summary(done: DemoRun) -> None:
    totals = done.totals
    cost, baseline = totals.cost_nano / 1e9, totals.baseline_nano / 1e9
    first = totals.tiers.get("simple", 0) / max(totals.replies, 1)
    saved = totals.saved_share or 0.0
    console.print()
    console.print(f"{totals.replies} requests answered, {totals.escalated} of them escalated")
    console.print(f"cost ${cost:.4f} instead of ${baseline:.4f}: {saved:.0%} saved")
    console.print(f"{first:.0%} stayed on the first tier")
    console.print(
        f"{done.needing} requests needed a stronger model than the first; "
        f"{done.below_bar} of them got an answer below the bar ({done.below_share or 0:.0%})"
    )


@contextmanager
def _live() -> Iterator[Callable[[DemoRun], None]]:
    """Show each reply as it is counted: a table on a terminal, four lines in a pipe."""
    if not notes.is_terminal:
        yield _quarters
        return
    from rich.live import Live

    with Live(console=notes, refresh_per_second=10) as live:
        yield lambda done: live.update(_table(done))


def _quarters(done: DemoRun) -> None:
    received, total = done.totals.replies, done.total
    if received * 4 // total > (received - 1) * 4 // total:
        notes.print(f"{received} of {total} answered, ${done.totals.cost_nano / 1e9:.4f} spent")


def _table(done: DemoRun) -> Any:
    from rich.table import Table

    totals = done.totals
    table = Table(box=None, header_style="bold", title_justify="left")
    for heading in ("tier", "answered", "share", ""):
        table.add_column(heading)
    for tier in ("simple", "moderate", "complex"):
        count = totals.tiers.get(tier, 0)
        share = count / max(totals.replies, 1)
        table.add_row(tier, str(count), f"{share:.0%}", "█" * round(share * 40))
    table.add_row("", "", "", "")
    saved = totals.saved_share
    table.add_row(
        f"{totals.replies} of {done.total}",
        f"${totals.cost_nano / 1e9:.4f}",
        "" if saved is None else f"{saved:.0%} saved",
        f"{totals.escalated} escalated",
    )
    return table
