"""Start, stop and status of the local pipeline, shared by several commands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.text import Text

from infra.cli.output.screen import console, notes, print_json, print_table
from infra.devstack.components import part_health
from infra.devstack.processes.launching import end_pipeline, follow_start, start_supervisor
from infra.devstack.processes.process import Process
from infra.devstack.processes.state import PipelinePhase, PipelineState, running_state
from infra.settings import InfraSettings


def bring_up(settings: InfraSettings, *, detached: bool) -> Process:
    """Start a pipeline and wait until it runs, with progress messages.

    Raises:
        LocalStackError: a pipeline runs already, or this one does not start.
    """
    supervisor = start_supervisor(settings, detached=detached)
    shown_step = ""
    with notes.status("starting") as status:
        try:
            for state in follow_start(settings.home.absolute(), supervisor):
                if state.doing and state.doing != shown_step:
                    shown_step = state.doing
                    shown = doing_in_words(state)
                    status.update(shown)
                    if not notes.is_terminal:
                        notes.print(shown)
        except KeyboardInterrupt:
            supervisor.stop(grace_s=30.0)
            raise
    return supervisor


def doing_in_words(state: PipelineState) -> str:
    """Return the current step of a starting pipeline."""
    if state.phase is PipelinePhase.STARTING:
        return f"starting {state.doing}"
    return "stopping the started processes"


def bring_down(home: Path) -> None:
    """Stop a pipeline in order.

    Raises:
        LocalStackError: no pipeline runs, or it does not stop.
    """
    with notes.status("stopping: workers drain, the sink stores the remaining events"):
        for _ in end_pipeline(home.absolute()):
            pass
    notes.print("the pipeline is stopped; its data is kept in", str(home))


def part_reports(home: Path) -> list[dict[str, Any]]:
    """Return each process of the running pipeline: `name, pid, address, healthy, restarts,
    problem`.
    """
    state = running_state(home)
    if state is None:
        return []
    with ThreadPoolExecutor(max_workers=8) as pool:
        found = pool.map(lambda part: part_health(part.address, part.health), state.parts)
    return [
        {
            "name": part.name,
            "pid": part.pid,
            "address": part.address,
            "healthy": health.is_well,
            "restarts": part.restarts,
            "problem": health.problem,
        }
        for part, health in zip(state.parts, found, strict=True)
    ]


def show_parts(home: Path, *, as_json: bool) -> list[dict[str, Any]]:
    """Print the processes and return them."""
    reports = part_reports(home)
    if as_json:
        print_json(reports)
        return reports
    rows = [
        (each["name"], each["pid"], each["address"], _health(each["healthy"]), each["restarts"])
        for each in reports
    ]
    print_table(("name", "pid", "address", "healthy", "restarts"), rows)
    for each in reports:
        if each["problem"]:
            notes.print(f"{each['name']}: {each['problem']}", style="yellow", markup=False)
    return reports


def _health(is_healthy: bool) -> Any:
    if not console.is_terminal:
        return is_healthy
    return Text("yes", style="green") if is_healthy else Text("no", style="bold red")
