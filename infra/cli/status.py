"""`sluice status`: the local pipeline's processes and whether each works."""

from __future__ import annotations

import click

from infra.cli.arguments.local_pipeline import show_parts
from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import print_json
from infra.devstack.processes.state import running_state
from infra.settings import InfraSettings


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="A list of name, pid, address, healthy.")
def command(*, as_json: bool) -> None:
    """Show each process: pid, address, whether it answers, how often it was started again.

    Exits 1 when no pipeline runs or a part does not answer.
    """
    home = InfraSettings().home
    state = running_state(home)
    if state is None:
        if as_json:
            print_json([])
        raise FoundProblemsError(f"no pipeline runs in {home}. Start one: sluice up --detach")
    reports = show_parts(home, as_json=as_json)
    ill = [each["name"] for each in reports if not each["healthy"]]
    if ill or state.phase != "running":
        raise FoundProblemsError(
            f"the pipeline is {state.phase}; not answering: {', '.join(ill) or 'none'}"
        )
