"""`sluice`: one file per command, imported on use, so that `--help` is fast."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from core.environment import unknown_in_words
from core.untrusted_text import whole_text
from infra.cli.output.errors import LOGGED, command_of, report_faults

COMMANDS = {
    "up": "Start the local pipeline.",
    "down": "Stop the local pipeline.",
    "status": "Show the local pipeline's processes.",
    "demo": "Run a sample workload on the local pipeline.",
    "ask": "Send one request and print its answer.",
    "feedback": "Rate the answer to a request.",
    "send": "Send many requests and collect their replies.",
    "worker": "Run a worker (production).",
    "sink": "Run a sink (production).",
    "topics": "Create or check the topics.",
    "migrate": "Create or update the ClickHouse tables.",
    "registry": "Validate, apply, show, compare or roll back the registry.",
    "query": "Run an analytics query.",
    "report": "Write a page about cost, routing, quality and latency.",
    "replay": "Decide logged requests again under another registry.",
    "explain": "Show the timeline of a request.",
    "alerts": "Show active alerts and recent changes.",
    "train": "Train a classifier on labelled answers.",
    "eval": "Measure a classifier, a cascade or a golden set.",
}
"""Every command and its line in `sluice --help`; `infra.cli.<name>` defines it as `command`."""


class LazyCommands(click.Group):
    """Imports a command's module on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command; `None` for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"infra.cli.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"infra.cli.{cmd_name}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Quick start: sluice demo. Settings are SLUICE_* variables; state is in .sluice/.",
)
@click.option("--debug", is_flag=True, envvar="SLUICE_DEBUG", help="Show tracebacks of errors.")
@click.version_option(package_name="sluice-router", message="%(version)s")
def sluice(*, debug: bool) -> None:
    """Routes LLM requests over Kafka: durable, exactly accounted, replayable."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command; exit with 0 on success, 1 on failure, 2 on a usage error."""
    given = sys.argv[1:] if arguments is None else arguments
    if command_of(given) not in LOGGED:
        for line in unknown_in_words(os.environ):
            click.secho(whole_text(f"sluice: {line}"), fg="yellow", err=True)
    sys.exit(report_faults(sluice, given))
