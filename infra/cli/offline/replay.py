"""`sluice replay`: decide logged requests again under another registry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli.arguments.values import Number
from infra.cli.output.screen import notes, print_json, say

if TYPE_CHECKING:
    from infra.replays.factory import ReplayComponents
    from infra.replays.target_version import Origin
    from streams.offline.replay.run_spec import RunSpec
    from streams.registry.version import RegistryVersion

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group("replay")
def command() -> None:
    """Evaluate another registry on logged requests.

    Reads logged requests, decides them under another registry, and stores the result: the first
    tier of each request, its cost and its quality. Never uses live consumer groups, reply topics or
    budgets.
    """


@command.command("run")
@click.option("--since", default="24h", show_default=True, help="Start: 24h, 7d, today, ISO time.")
@click.option("--until", help="End, exclusive.  [now]")
@click.option(
    "--offsets",
    multiple=True,
    metavar="TOPIC:PARTITION:FIRST-END",
    help="Offsets instead of a time range, END excluded; repeatable.",
)
@click.option("--tenant", help="Only requests of this tenant.")
@click.option("--feature", help="Only requests of this feature.")
@click.option(
    "--sample", type=Number(0, 1, min_open=True), default=1.0, help="Share of the requests."
)
@click.option("--registry", type=click.Path(path_type=Path), help="Registry file.  [the current]")
@click.option("--artifact", help="A learned artifact, file or hash, in that registry's policy.")
@click.option("--assess-all", is_flag=True, help="Score every request again; reuse no score.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--execute", is_flag=True, help="Call the models; needs --max-usd.")
@click.option("--max-usd", type=Number(0, min_open=True), help="Spending limit of --execute.")
@AS_JSON
def run(
    *,
    since: str,
    until: str | None,
    offsets: tuple[str, ...],
    tenant: str | None,
    feature: str | None,
    sample: float,
    registry: Path | None,
    artifact: str | None,
    assess_all: bool,
    processes: int,
    execute: bool,
    max_usd: float | None,
    as_json: bool,
) -> None:
    """Replay logged requests and show the result.

    The same command over the same offsets is the same run: it resumes an interrupted run and does
    not repeat a finished one. Exits 1 if the range has no request, or Kafka or ClickHouse are
    unreachable; 2 on a usage error. --execute calls the first model of requests that it has not
    answered yet, in random order, and has the answers scored if the registry has a judge; its calls
    are recorded as `replay`.
    """
    from infra.cli.arguments.replay_range import lost_of, named_spans
    from infra.cli.arguments.time_range import given_range
    from infra.cli.output.replay import show_run
    from infra.replays.factory import opened
    from infra.replays.ranges import spans_between
    from infra.replays.target_version import Origin, chosen
    from streams.offline.replay.run_spec import RunSpec

    if execute != (max_usd is not None):
        raise click.UsageError("--execute and --max-usd must be given together")
    given = given_range(since, until)
    between = (given.since, given.until)
    origin = Origin(file=registry, artifact=artifact)
    with opened() as parts:
        version, own = chosen(parts.history, origin)
        spans = named_spans(offsets) or spans_between(parts, *between)
        gone = lost_of(parts, spans, between, (tenant, feature), timed=not offsets)
        spec = RunSpec(
            registry=version.hash,
            spans=spans,
            tenant=tenant,
            feature=feature,
            sample=sample,
            assess_all=assess_all,
        )
        document = _replayed(parts, spec, version, gone, origin=origin, processes=processes)
        if max_usd is not None:
            document["executed"] = _executed(parts, spec, version, max_usd)
    if as_json:
        print_json(document)
    else:
        show_run(document)
    if own is not None:
        notes.print(f"artifact {own.hash} is not published; sluice replay promote does that")


@command.command("list")
@AS_JSON
def list_runs(*, as_json: bool) -> None:
    """List all runs, the latest first."""
    from infra.cli.output.replay import show_runs
    from infra.replays.factory import opened, runs

    with opened() as parts:
        found = runs(parts)
    if as_json:
        print_json(found)
    else:
        show_runs(found)


@command.command("diff")
@click.argument("first")
@click.argument("second")
@AS_JSON
def diff(first: str, second: str, *, as_json: bool) -> None:
    """Compare run SECOND with run FIRST, over the requests that both replayed."""
    from infra.cli.output.replay import show_difference
    from infra.replays.comparing import compared
    from infra.replays.factory import opened

    with opened() as parts:
        document = compared(parts, first, second)
    if as_json:
        print_json(document)
    else:
        show_difference(document)


@command.command("promote")
@click.argument("run_id", metavar="RUN")
@click.option("--name", help="Name of the experiment.  [replay-RUN]")
@click.option(
    "--share",
    type=Number(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    help="Share of the users in the experiment.",
)
@click.option("--apply", "apply_it", is_flag=True, help="Publish it and make it current.")
@click.option("--by", help="Author of the change.  [your user name]")
@AS_JSON
def promote(
    run_id: str,
    *,
    name: str | None,
    share: float,
    apply_it: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Create an experiment from RUN: the current policy against the replayed one.

    Prints the current registry with the experiment, or publishes it with --apply.
    """
    import asyncio
    import getpass

    from infra.devstack.addresses import kafka_address
    from infra.replays.factory import opened
    from infra.replays.promoting import as_yaml, promoted
    from streams.registry.publishing import publish_version

    with opened() as parts:
        version = promoted(parts, run_id, name or f"replay-{run_id}", share)
        if apply_it:
            kafka = parts.settings.kafka_at(kafka_address(parts.settings))
            current = parts.history.current
            before = current.applied() if current else ()
            asyncio.run(
                publish_version(
                    kafka,
                    version,
                    by=by or getpass.getuser(),
                    before=before,
                    keys=parts.settings.registry_keys,
                )
            )
    if as_json:
        print_json({"version": version.hash, "applied": apply_it, "run": run_id})
    elif not apply_it:
        say(as_yaml(version), nl=False)
    if apply_it:
        notes.print(f"version {version.hash} is current; to undo: sluice registry rollback")


def _replayed(
    parts: ReplayComponents,
    spec: RunSpec,
    version: RegistryVersion,
    gone: list[dict[str, Any]],
    *,
    origin: Origin,
    processes: int,
) -> dict[str, Any]:
    from infra.cli.output.progress import progress_bar
    from infra.replays.whole import replay_all

    with progress_bar("pieces of the log replayed", len(spec.pieces)) as tick:
        return replay_all(parts, spec, version, gone, origin=origin, processes=processes, tick=tick)


def _executed(
    parts: ReplayComponents, spec: RunSpec, version: RegistryVersion, max_usd: float
) -> dict[str, Any]:
    from infra.cli.output.progress import progress_bar
    from infra.replays.executed import execute, tasks_of

    tasks = tasks_of(parts, spec, version.snapshot)
    with progress_bar("model calls", len(tasks)) as tick:
        return execute(parts, tasks, version.snapshot, max_usd, tick)
