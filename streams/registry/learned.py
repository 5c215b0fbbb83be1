"""The artifact of a registry version: its source, and the columns of tiers and models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib import resources

from schemas.errors import RegistryError
from streams.registry.document.policy import LearnedPart
from streams.routing.learned.artifact import Artifact, read_artifact
from streams.routing.snapshot import RegistrySnapshot

DEFAULT = "default"

ArtifactOf = Callable[[str], Artifact]
"""Returns an artifact by hash, or the `default` one; raises `ArtifactError` if it is missing."""


@cache
def default_artifact() -> Artifact:
    """Return the bundled artifact; docs/learned.md describes its training data."""
    data = resources.files("streams.routing.learned").joinpath("default.json").read_bytes()
    return read_artifact(data)


def with_artifact(
    snapshot: RegistrySnapshot, part: LearnedPart, artifact: Artifact, name: str
) -> RegistrySnapshot:
    """Return the snapshot with its artifact, and a column for each tier and each model.

    A tier's column is the one that the policy names, else the one of its name, else that of its
    first model that has one. A model's is the one of its name, else its tier's.

    Raises:
        RegistryError: a column is not in the artifact, or a tier has no column.
    """
    columns: dict[str, int] = {}
    known = ", ".join(artifact.columns)
    for given, column in part.columns.items():
        if column not in artifact.columns:
            raise RegistryError(
                f"{name}: policy.learned.columns.{given}: artifact {artifact.hash} has no column "
                f"{column}; it has {known}"
            )
        columns[given] = artifact.column(column)
    for tier in snapshot.tiers:
        names = [tier, *(model.name for model in snapshot.models_of(tier))]
        found = [artifact.column(each) for each in names if each in artifact.columns]
        if tier not in columns and not found:
            raise RegistryError(
                f"{name}: policy.learned.columns: set the column of tier {tier}; "
                f"artifact {artifact.hash} has {known}"
            )
        columns.setdefault(tier, found[0] if found else 0)
    for model in snapshot.models.values():
        if model.name not in columns:
            columns[model.name] = (
                artifact.column(model.name)
                if model.name in artifact.columns
                else columns[model.tier]
            )
    return replace(snapshot, artifact=artifact, columns=columns)
