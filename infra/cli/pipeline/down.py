"""`sluice down`: stop the local pipeline in order."""

from __future__ import annotations

import click

from infra.cli.output.screen import say
from infra.cli.pipeline.local_pipeline import bring_down
from infra.devstack.processes.state import is_running
from infra.settings import InfraSettings


@click.command("down")
def command() -> None:
    """Stop the local pipeline; its data is kept."""
    home = InfraSettings().home
    if not is_running(home):
        say(f"no pipeline runs in {home}")
        return
    bring_down(home)
