"""`sluice`: one file a command, loaded when it is called, so that `--help` answers at once."""

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
    "down": "End the local pipeline.",
    "status": "Show the local pipeline's processes.",
    "demo": "The pipeline at work, on a sample workload.",
    "ask": "Send one request and print its answer.",
    "feedback": "Say how good an answer was.",
    "send": "Send many requests and collect their replies.",
    "worker": "Run a worker (production).",
    "sink": "Run a sink (production).",
    "topics": "Create or check the topics.",
    "migrate": "Create or update the ClickHouse tables.",
    "registry": "Validate, apply, show, compare or roll back the registry.",
    "query": "Ask an analytics question.",
    "report": "One page about spend, routing, quality and time.",
    "replay": "The logged requests again, under another registry.",
    "explain": "The whole life of a request.",
    "alerts": "What alerts stand, and what changed lately.",
    "train": "Learn a classifier from labelled answers.",
    "eval": "Measure a classifier, a cascade, a golden set.",
}
"""Every command and its line in `sluice --help`; `infra.cli.<name>` has it as `command`."""


class LazyCommands(click.Group):
    """Imports a command's module when that command is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; `None` for a name that there is not."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"infra.cli.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"infra.cli.{cmd_name}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="First minute: sluice demo. Settings are SLUICE_* variables; state is in .sluice/.",
)
@click.option("--debug", is_flag=True, envvar="SLUICE_DEBUG", help="Show where an error came from.")
@click.version_option(package_name="sluice-router", message="%(version)s")
def sluice(*, debug: bool) -> None:
    """Routes LLM requests on the Kafka log: durable, exactly accounted, replayable."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command; exits 0 when it is done, 1 when it failed, 2 when it was asked wrongly."""
    given = sys.argv[1:] if arguments is None else arguments
    if command_of(given) not in LOGGED:
        for line in unknown_in_words(os.environ):
            click.secho(whole_text(f"sluice: {line}"), fg="yellow", err=True)
    sys.exit(report_faults(sluice, given))
