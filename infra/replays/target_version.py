"""Registry versions of a replay: a file, the current one with another artifact, or the current one;
and those that were live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from infra.devstack.artifact_source import artifact_source
from infra.policy_variants import with_artifact
from infra.settings import InfraSettings
from schemas.errors import RegistryError
from streams.registry.artifacts import HASH, load_artifact
from streams.registry.history import RegistryHistory
from streams.registry.version import RegistryVersion, load_registry, parse_registry
from streams.routing.learned.artifact import Artifact
from streams.routing.snapshot import RegistrySnapshot

_EMPTY = "no registry version is current; give one: --registry FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Source of a replay's registry: a file, else the current one; an artifact, by file or hash."""

    file: Path | None = None
    artifact: str | None = None


def chosen(history: RegistryHistory, origin: Origin) -> tuple[RegistryVersion, Artifact | None]:
    """Return the version, and the artifact from a file that it uses, if there is one.

    Raises:
        RegistryError: the file is unreadable or invalid, or none is current.
        ArtifactError: the artifact is neither a file nor on the topic.
    """
    file, artifact = origin.file, origin.artifact
    own = _from_file(artifact)
    named = () if own is None or artifact is None else (Path(artifact),)
    artifacts = artifact_source(InfraSettings(), named, history)
    if file is not None:
        version = load_registry(file, artifacts)
    else:
        pointer = history.current
        if pointer is None:
            raise RegistryError(_EMPTY)
        version = history.version(pointer.version)
    if artifact is None:
        return version, None
    digest = own.hash if own is not None else artifact
    return with_artifact(version, digest, artifacts), own


def of_run(history: RegistryHistory, content: str) -> RegistrySnapshot:
    """Return the registry that a run recorded. Only its models and prices are needed, so an
    artifact that was never published does not matter.
    """
    document = orjson.loads(content)
    try:
        return parse_registry(content, artifacts=history.artifact).snapshot
    except RegistryError:
        plain = {"tiers": document["tiers"], "models": document["models"]}
        return parse_registry(orjson.dumps(plain)).snapshot


def live(history: RegistryHistory) -> Callable[[str], RegistrySnapshot | None]:
    """Return the versions that were live, by hash; `None` for one that the topic does not hold, or
    that is invalid now.
    """
    known: dict[str, RegistrySnapshot | None] = {}

    def find(digest: str) -> RegistrySnapshot | None:
        if digest not in known:
            try:
                known[digest] = history.version(digest).snapshot
            except RegistryError:
                known[digest] = None
        return known[digest]

    return find


def _from_file(artifact: str | None) -> Artifact | None:
    if artifact is None or HASH.fullmatch(artifact):
        return None
    return load_artifact(Path(artifact))
