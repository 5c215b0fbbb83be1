"""`sluice status`: processes of the local pipeline and their health."""

from __future__ import annotations

import click

from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import print_json
from infra.cli.pipeline.local_pipeline import show_parts
from infra.devstack.processes.state import running_state
from infra.settings import InfraSettings


@click.command("status")
@click.option(
    "--json", "as_json", is_flag=True, help="Print a list of name, pid, address, healthy, problem."
)
def command(*, as_json: bool) -> None:
    """Show each process: pid, address, health, number of restarts, and what is wrong with it.

    Exits 1 if no pipeline runs or a process is not healthy.
    """
    home = InfraSettings().home
    state = running_state(home)
    if state is None:
        if as_json:
            print_json([])
        raise FoundProblemsError(f"no pipeline runs in {home}. Start one: sluice up --detach")
    reports = show_parts(home, as_json=as_json)
    unhealthy = [each["name"] for each in reports if not each["healthy"]]
    if unhealthy or state.phase != "running":
        raise FoundProblemsError(
            f"the pipeline is {state.phase}; not healthy: {', '.join(unhealthy) or 'none'}"
        )
