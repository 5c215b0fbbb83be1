"""`sluice alerts`: active alerts, and recent changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from infra.cli.output.screen import console, counted, notes, print_json, print_table
from infra.settings import InfraSettings

if TYPE_CHECKING:
    from core.codecs import Codecs
    from infra.cli.output.alerts import AlertsShown
    from schemas.alert_evaluation import AlertEvaluation
    from schemas.encoding.codec import Codec
    from schemas.events import Alert
    from streams.alerts.log.alert_log import AlertRecord


@click.command("alerts")
@click.option(
    "--since", default="24h", show_default=True, help="Start of the changes: 90m, 7d, today."
)
@click.option("--json", "as_json", is_flag=True, help="Print both lists as JSON.")
def command(since: str, *, as_json: bool) -> None:
    """Show active alerts, and alerts that fired or were resolved recently.

    Reads the topic llm.alerts.v1, so it works while ClickHouse is down. Rules are in the registry,
    under `alerts`.
    """
    from infra.cli.arguments.time_range import given_range
    from infra.cli.output.alerts import alerts_shown

    start = given_range(since).since
    records, evaluation = asyncio.run(_read())
    shown = alerts_shown(records, int(start.timestamp() * 1000), evaluation)
    if as_json:
        print_json(shown.as_document())
    else:
        show_alerts(shown, since)


def show_alerts(shown: AlertsShown, since: str) -> None:
    """Print both lists: tables on a terminal, tab-separated lines in a pipe."""
    from infra.cli.output.alerts import evaluation_in_words, no_alerts_in_words, when

    now = int(time.time() * 1000)
    notes.print(evaluation_in_words(shown.evaluation, now))
    if not shown.firing:
        notes.print(no_alerts_in_words(shown.evaluation, now))
    else:
        print_table(
            ("severity", "rule", "subject", "since (UTC)", "message"),
            [
                (
                    each.latest.severity,
                    each.fired.rule,
                    each.fired.subject,
                    when(each.fired.at),
                    each.latest.message,
                )
                for each in shown.firing
            ],
            title="firing",
        )
    if not shown.lately:
        notes.print(f"no changes since {since}")
        return
    if console.is_terminal:
        console.print()
    print_table(
        ("at (UTC)", "state", "rule", "subject", "message"),
        [
            (
                when(each.at),
                each.change.value,
                each.alert.rule,
                each.alert.subject,
                each.alert.message,
            )
            for each in shown.lately
        ],
        title=f"changes since {since}",
    )


async def _read() -> tuple[list[tuple[int, int, Alert]], AlertEvaluation | None]:
    """Return all alerts of the topic, and the latest evaluation of rules; report the number of
    unreadable alerts.
    """
    from core.codecs import Codecs
    from core.schema_registry import known_schemas
    from infra.devstack.addresses import kafka_address, kafka_connection
    from schemas.alert_evaluation import fetch_evaluation
    from schemas.encoding.codec import Codec
    from streams.alerts.log.kafka_alert_log import read_alerts
    from streams.worker.settings import WorkerSettings

    infra = InfraSettings()
    kafka = await kafka_connection(infra)
    settings = WorkerSettings()
    known = known_schemas(settings.schema_registry_url)
    codecs, codec = Codecs(known), Codec("Alert", known)
    try:
        alerts = await read_alerts(infra.librdkafka_at(kafka_address(infra)), 0)
        found, unread = await decoded(alerts, codecs, codec)
    finally:
        if known is not None:
            await known.close()
    if unread:
        notes.print(f"{counted(unread, 'record')} of the alerts topic could not be read")
    return found, await fetch_evaluation(kafka, settings.group)


async def decoded(
    records: Sequence[AlertRecord], codecs: Codecs, codec: Codec
) -> tuple[list[tuple[int, int, Alert]], int]:
    """Return offset, append time and alert of each record, and the number of unreadable records."""
    from schemas.errors import UndecodableError
    from streams.alerts.evaluation.active_alerts import read_alert

    found, unread = [], 0
    for record in records:
        try:
            value = await codecs.decode(codec, record.value)
            found.append((record.offset, record.at, read_alert(value)))
        except UndecodableError:
            unread += 1
    return found, unread
