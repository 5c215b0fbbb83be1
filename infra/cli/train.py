"""`sluice train`: a classifier and a cascade's confidence out of labelled answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli.faults import FoundProblemsError
from infra.cli.screen import notes, print_json, print_table

if TYPE_CHECKING:
    from streams.learning.training import Trained
    from streams.routing.learned.artifact import Artifact

PATH = click.Path(path_type=Path)


@click.command("train")
@click.option("--data", type=PATH, required=True, help="Labelled answers: JSON lines, or gzip.")
@click.option("--weak", required=True, help="The cheap model, by its name in the file.")
@click.option("--strong", required=True, help="The dear model, by its name in the file.")
@click.option("--labels", type=click.IntRange(50), help="Draw so many labels at most.")
@click.option("--out", type=PATH, required=True, help="Where the artifact goes.")
@click.option("--publish", is_flag=True, help="Publish it, if it is better than rules and length.")
@click.option("--force", is_flag=True, help="Publish it even if it is not better.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def command(
    *,
    data: Path,
    weak: str,
    strong: str,
    labels: int | None,
    out: Path,
    publish: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Learn from FILE, compare on a fifth of it that was held out, write the artifact.

    All models that the file scores in every row become columns of the artifact; --weak and
    --strong are what the comparison is between. The registry names a published artifact by its
    hash: policy.learned.artifact. Exits 1 when --publish was asked for and it is not better.
    """
    from streams.learning.labels import read_labels
    from streams.learning.training import train
    from streams.routing.learned.artifact import pack_artifact

    rows = read_labels(data, (weak, strong))
    trained = train(rows, weak, strong, most_labels=labels, source=data.name)
    packed = pack_artifact(trained.artifact)
    out.write_bytes(packed)
    _show(trained, out, len(packed), as_json=as_json)
    if not publish:
        return
    if not (trained.is_better or force):
        raise FoundProblemsError(
            "not published: on the rows held out it is no better than what needs no training; "
            "give it more labels, or --force"
        )
    asyncio.run(_publish(trained.artifact))
    notes.print(f"published; name it in the registry: policy.learned.artifact: {trained.hash}")


async def _publish(artifact: Artifact) -> None:
    from infra.addresses import kafka_address
    from infra.settings import InfraSettings
    from streams.registry.topic import publish_artifact

    kafka = {"bootstrap_servers": kafka_address(InfraSettings())}
    await publish_artifact(kafka, artifact)


def _show(trained: Trained, out: Path, size: int, *, as_json: bool) -> None:
    document: dict[str, Any] = {
        "artifact": trained.hash,
        "file": str(out),
        "bytes": size,
        "columns": list(trained.artifact.columns),
        "labels": trained.labels,
        "held_out": trained.held_out,
        "apgr": trained.apgr,
        "better": trained.is_better,
    }
    if as_json:
        print_json(document)
        return
    print_table(
        ("classifier", "APGR on the rows held out"),
        [(name, f"{value:.3f}") for name, value in trained.apgr.items()],
    )
    notes.print(f"{out}: artifact {trained.hash}, {size:,} bytes, {trained.labels} labels")
