"""`sluice train`: train a classifier and a cascade's confidence on labelled answers."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli.arguments.values import OutFile
from infra.cli.output.errors import FoundProblemsError
from infra.cli.output.screen import notes, print_json, print_table
from schemas.errors import SluiceError

if TYPE_CHECKING:
    from infra.labels.current_policy import Baseline
    from infra.labels.gathering import Gathered
    from sinks.analytics.query_runner import TimeRange
    from streams.offline.training.labels import Labels
    from streams.offline.training.training_run import Trained
    from streams.routing.learned.artifact import Artifact
    from streams.routing.snapshot import RegistrySnapshot

PATH = click.Path(path_type=Path)
LEAST_ROWS = 50


class TooFewLabelsError(SluiceError):
    """The tables have too few labels for training; the message says how to get more."""


@click.command("train")
@click.option("--data", type=PATH, help="Labelled answers: JSON lines, or gzip.")
@click.option("--since", help="Without --data: start of the labels in the tables: 7d, ISO time.")
@click.option("--until", help="End of that range, exclusive.  [now]")
@click.option(
    "--by",
    type=click.Choice(["tier", "model"]),
    default="tier",
    show_default=True,
    help="Columns of labels from the tables.",
)
@click.option("--labels-out", type=OutFile(), help="Write the labels of the tables to this file.")
@click.option("--weak", help="The cheap model, or tier.  [from the tables: the first tier]")
@click.option("--strong", help="The expensive model, or tier.  [from the tables: the last tier]")
@click.option(
    "--labels", type=click.IntRange(50), help="Maximum number of labels, drawn at random."
)
@click.option("--out", type=OutFile(), required=True, help="Path of the artifact.")
@click.option("--publish", is_flag=True, help="Publish it, if it is better than the current one.")
@click.option("--force", is_flag=True, help="Publish it even if it is not better.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(
    *,
    data: Path | None,
    since: str | None,
    until: str | None,
    by: str,
    labels_out: Path | None,
    weak: str | None,
    strong: str | None,
    labels: int | None,
    out: Path,
    publish: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Train on a file or on the tables, compare on a held-out fifth, write the artifact.

    Labels of the tables (--since) are feedback, golden verdicts and judges, shadow calls included.
    Prompts are read there if they are stored, else from the request topics. All columns with a
    score in every row go into the artifact; --weak and --strong select the comparison. The registry
    names a published artifact by its hash: policy.learned.artifact. Exits 1 if --publish is given
    and it is no better than rules, length, random choice, and the current classifier.
    """
    if (data is None) == (since is None):
        raise click.UsageError("give one of --data and --since")
    if data is not None and (until is not None or labels_out is not None):
        raise click.UsageError("--until and --labels-out require --since, not --data")
    if (weak is None or strong is None) and (data is not None or by == "model"):
        raise click.UsageError("--data, and --by model, need --weak and --strong")
    from infra.cli.arguments.time_range import given_range
    from streams.offline.training.labels import read_labels
    from streams.offline.training.training_run import train
    from streams.routing.learned.artifact import pack_artifact

    ground = asyncio.run(_current()) if data is None or publish else None
    pair = _pair(weak, strong, ground)
    gathered = None
    if data is not None:
        rows, source = read_labels(data, pair), data.name
    else:
        between = given_range(since or "", until)
        gathered = _gathered(between, by, pair)
        rows, source = _as_labels(gathered, labels_out, pair), _named(between)
    trained = train(rows, *pair, most_labels=labels, source=source)
    rivals = _rivals(trained, rows, labels, pair, ground)
    packed = pack_artifact(trained.artifact)
    out.write_bytes(packed)
    better = trained.is_better and all(each.is_beaten for each in rivals)
    document: dict[str, Any] = {
        "artifact": trained.hash,
        "file": str(out),
        "bytes": len(packed),
        "columns": list(trained.artifact.columns),
        "labels": trained.labels,
        "held_out": trained.held_out,
        "apgr": trained.apgr,
        "now": [each.as_document() for each in rivals],
        "gains": [each.as_document() for each in trained.gains],
        "better": better,
        "gathered": None if gathered is None else gathered.as_document(),
    }
    _show(document, as_json=as_json)
    verdict = _verdict(trained, rivals, is_compared=ground is not None)
    notes.print(verdict, markup=False)
    if not publish:
        return
    if not (better or force):
        raise FoundProblemsError(f"not published: {verdict}; give it more labels, or --force")
    asyncio.run(_publish(trained.artifact))
    notes.print(
        "published; name it in the registry: classifier: learned, and "
        f"policy.learned.artifact: '{trained.hash}'. Where tiers have other names than the models "
        "of the labels, set policy.learned.columns",
        markup=False,
    )


async def _current() -> RegistrySnapshot | None:
    from infra.labels.sources import current_snapshot

    return await current_snapshot()


def _pair(weak: str | None, strong: str | None, ground: RegistrySnapshot | None) -> tuple[str, str]:
    """Return the compared pair: the given names, else the first and the last tier."""
    from infra.settings import InfraSettings

    tiers = InfraSettings().tier_names if ground is None else ground.tiers
    return weak or tiers[0], strong or tiers[-1]


def _named(between: TimeRange) -> str:
    return f"tables, {between.since:%Y-%m-%d %H:%M} to {between.until:%Y-%m-%d %H:%M} UTC"


def _gathered(between: TimeRange, by: str, pair: tuple[str, str]) -> Gathered:
    from infra.labels.sources import labels_from_tables

    gathered = asyncio.run(labels_from_tables(between, by=by))
    notes.print(gathered.in_words())
    both = gathered.both(*pair)
    if both < LEAST_ROWS:
        raise TooFewLabelsError(
            f"{both} requests have scores of both {pair[0]} and {pair[1]}; "
            f"{LEAST_ROWS} are required{gathered.why_gone}. Enable shadow calls with a judge "
            "(policy.shadow and policy.judge in the registry), or give a longer range: --since 30d"
        )
    return gathered


def _as_labels(gathered: Gathered, labels_out: Path | None, pair: tuple[str, str]) -> Labels:
    """Return rows in the form of a label file, so that both training paths get the same input."""
    from infra.labels.rows import write_rows
    from streams.offline.training.labels import read_labels

    with tempfile.TemporaryDirectory(prefix="sluice-labels-") as folder:
        path = labels_out or Path(folder) / "labels.jsonl"
        write_rows(path, gathered.rows)
        return read_labels(path, pair)


def _rivals(
    trained: Trained,
    rows: Labels,
    most_labels: int | None,
    pair: tuple[str, str],
    ground: RegistrySnapshot | None,
) -> tuple[Baseline, ...]:
    if ground is None:
        return ()
    from infra.labels.current_policy import held_out_rows, hold_against
    from streams.routing.assessment import LEARNED

    held = held_out_rows(rows, most_labels)
    return hold_against(trained.apgr[LEARNED], ground, held, *pair)


def _verdict(trained: Trained, rivals: tuple[Baseline, ...], *, is_compared: bool) -> str:
    """Return whether the artifact passes the gate of --publish, and what it does not beat."""
    unsure = [each.over for each in trained.gains if not each.is_sure]
    if not trained.gains:
        unsure.append("an untrained one, for lack of different prompts")
    faults = [f"not reliably better than {', '.join(unsure)}"] if unsure else []
    lost_to = [each.name for each in rivals if not each.is_beaten]
    faults += [f"no better than {', '.join(lost_to)}"] if lost_to else []
    if faults:
        return f"the gate is not passed: it is {', and '.join(faults)}"
    also = "" if is_compared else "; the current policy was not compared"
    return f"the gate is passed: it is reliably better than untrained ones{also}"


async def _publish(artifact: Artifact) -> None:
    from infra.devstack.addresses import kafka_connection
    from infra.settings import InfraSettings
    from streams.registry.publishing import publish_artifact

    settings = InfraSettings()
    kafka = await kafka_connection(settings)
    await publish_artifact(kafka, artifact, keys=settings.registry_keys)


def _show(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    lines = [(name, f"{value:.3f}") for name, value in document["apgr"].items()]
    lines += [(each["name"], each["why_not"] or f"{each['apgr']:.3f}") for each in document["now"]]
    print_table(("classifier", "APGR on the rows held out"), lines)
    print_table(
        ("over", "gain on all rows, cross-fitted", "at least (95 %)"),
        [
            (each["over"], f"{each['gain']:+.3f}", f"{each['at_least']:+.3f}")
            for each in document["gains"]
        ],
    )
    notes.print(
        f"{document['file']}: artifact {document['artifact']}, {document['bytes']:,} bytes, "
        f"{document['labels']} labels"
    )
