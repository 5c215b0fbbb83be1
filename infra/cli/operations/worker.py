"""`sluice worker`: run one worker process in production."""

from __future__ import annotations

import click


@click.command("worker")
def command() -> None:
    """Run a worker until SIGTERM: it then drains and leaves its group.

    Settings are SLUICE_* variables; GET /health on SLUICE_WORKER_PORT returns its state.
    """
    from streams.worker.run import run_worker
    from streams.worker.settings import WorkerSettings

    run_worker(WorkerSettings())
