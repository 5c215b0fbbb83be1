"""`sluice`: one file per command, imported on use, so that `--help` is fast."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import import_module

import click

from core.environment import unknown_in_words
from core.untrusted_text import whole_text
from infra.cli.output.errors import LOGGED, command_of, report_faults

COMMANDS: Mapping[str, tuple[str, str]] = {
    "up": ("pipeline.up", "Start the local pipeline."),
    "down": ("pipeline.down", "Stop the local pipeline."),
    "status": ("pipeline.status", "Show the local pipeline's processes."),
    "demo": ("pipeline.demo", "Run a sample workload on the local pipeline."),
    "ask": ("requests.ask", "Send one request and print its answer."),
    "feedback": ("requests.feedback", "Rate the answer to a request."),
    "send": ("requests.send", "Send many requests and collect their replies."),
    "worker": ("operations.worker", "Run a worker (production)."),
    "sink": ("operations.sink", "Run a sink (production)."),
    "gateway": ("gateway.run", "Run an HTTP gateway (production)."),
    "keys": ("gateway.keys", "Create, list or revoke API keys of the HTTP gateway."),
    "topics": ("operations.topics", "Create or check the topics."),
    "migrate": ("operations.migrate", "Create or update the ClickHouse tables."),
    "registry": ("registry", "Validate, apply, show, compare or roll back the registry."),
    "query": ("analytics.query", "Run an analytics query."),
    "report": ("analytics.report", "Write a page about cost, routing, quality and latency."),
    "replay": ("offline.replay", "Decide logged requests again under another registry."),
    "explain": ("requests.explain", "Show the timeline of a request."),
    "alerts": ("operations.alerts", "Show active alerts and recent changes."),
    "train": ("offline.train", "Train a classifier on labelled answers."),
    "eval": ("offline.eval", "Measure a classifier, a cascade or a golden set."),
}
"""Every command with its module below `infra.cli`, which defines it as `command`, and its line in
`sluice --help`.
"""


class LazyCommands(click.Group):
    """Imports a command's module on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command; `None` for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        command = import_module(f"infra.cli.{module}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"infra.cli.{module}.command is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


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
