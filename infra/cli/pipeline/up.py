"""`sluice up`: run the local pipeline in the foreground, or detached."""

from __future__ import annotations

import signal
from typing import Any

import click

from infra.cli.output.screen import say
from infra.cli.pipeline.local_pipeline import bring_down, bring_up, show_parts
from infra.settings import InfraSettings


@click.command("up")
@click.option("--detach", "-d", is_flag=True, help="Run in the background; `sluice down` stops it.")
@click.option("--workers", type=click.IntRange(1, 64), help="Number of workers.  [1]")
@click.option("--json", "as_json", is_flag=True, help="Print the processes as JSON.")
def command(*, detach: bool, workers: int | None, as_json: bool) -> None:
    """Start the local pipeline: Kafka, ClickHouse, a provider simulator, workers and the sink.

    Data is kept in .sluice/ (or SLUICE_HOME). If SLUICE_KAFKA_BOOTSTRAP_SERVERS or
    SLUICE_CLICKHOUSE_URL is set, that server is used instead of a local one.
    """
    chosen: dict[str, Any] = {} if workers is None else {"workers": workers}
    settings = InfraSettings(**chosen)
    supervisor = bring_up(settings, detached=detach)
    show_parts(settings.home, as_json=as_json)
    if detach:
        return
    say("Ctrl-C stops it. In another terminal: sluice ask 'What is Kafka?'", err=True)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        supervisor.popen.wait()
    except KeyboardInterrupt:
        bring_down(settings.home)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
