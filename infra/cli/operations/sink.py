"""`sluice sink`: run one sink process in production."""

from __future__ import annotations

import click


@click.command("sink")
def command() -> None:
    """Run a sink until SIGTERM: events from Kafka into ClickHouse, each exactly once.

    Settings are SLUICE_* variables; GET /health on SLUICE_SINK_PORT returns its state.
    """
    import uvloop

    from sinks.run import prepare_log, run_sink
    from sinks.settings import SinkSettings

    settings = SinkSettings()
    prepare_log(settings)
    uvloop.run(run_sink(settings))
