"""`sluice worker`: one worker process, for production."""

from __future__ import annotations

import click


@click.command("worker")
def command() -> None:
    """Run a worker until SIGTERM: it then drains and leaves its group.

    Its settings are SLUICE_* variables; GET /health on SLUICE_WORKER_PORT says how it is.
    """
    from streams.worker.run import run_worker
    from streams.worker.settings import WorkerSettings

    run_worker(WorkerSettings())
