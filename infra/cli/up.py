"""`sluice up`: the local pipeline, here until Ctrl-C, or detached."""

from __future__ import annotations

import signal
from typing import Any

import click

from infra.cli.arguments.local_pipeline import bring_down, bring_up, show_parts
from infra.cli.output.screen import say
from infra.settings import InfraSettings


@click.command("up")
@click.option("--detach", "-d", is_flag=True, help="Leave it running; `sluice down` ends it.")
@click.option("--workers", type=click.IntRange(1, 64), help="How many workers.  [1]")
@click.option("--json", "as_json", is_flag=True, help="Print the processes as JSON.")
def command(*, detach: bool, workers: int | None, as_json: bool) -> None:
    """Start the local pipeline: Kafka, ClickHouse, a provider simulator, workers and the sink.

    Data is kept in .sluice/ (or SLUICE_HOME). With SLUICE_KAFKA_BOOTSTRAP_SERVERS or
    SLUICE_CLICKHOUSE_URL set, yours are used instead of local ones.
    """
    chosen: dict[str, Any] = {} if workers is None else {"workers": workers}
    settings = InfraSettings(**chosen)
    supervisor = bring_up(settings, detached=detach)
    show_parts(settings.home, as_json=as_json)
    if detach:
        return
    say("Ctrl-C ends it. In another terminal: sluice ask 'What is Kafka?'", err=True)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        supervisor.popen.wait()
    except KeyboardInterrupt:
        bring_down(settings.home)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt
