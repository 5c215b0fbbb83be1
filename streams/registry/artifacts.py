"""Lookup of learned artifacts by hash, shared by every process and command.

| source | given by |
|---|---|
| files | `--artifact FILE`, or the file or folder that `SLUICE_ARTIFACTS` names |
| the package | always; `default` means the bundled artifact |
| the registry topic | written by `sluice train --publish` and `sluice registry apply` |

The topic is read only if the other sources do not have the artifact, so a file can be checked
without Kafka.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from schemas.errors import ArtifactError, SluiceError
from streams.registry.learned import DEFAULT, default_artifact
from streams.routing.learned.artifact import MAX_BYTES, Artifact, read_artifact

Published = Callable[[], Mapping[str, bytes]]
"""Returns the artifacts on the registry topic by hash, as bytes."""

HASH = re.compile(r"default|[0-9a-f]{16}")
"""Name of an artifact: the hash of its content, or `default` for the bundled one."""

_MARK = b'{"sluice_artifact"'


class ArtifactSource:
    """Finds artifacts by hash. The object is callable and implements `ArtifactOf`."""

    def __init__(
        self, *, published: Published | None = None, files: Mapping[str, Artifact] | None = None
    ) -> None:
        self._published = published
        self._files = dict(files or {})
        self._read: dict[str, Artifact] = {}

    def __call__(self, name: str) -> Artifact:
        """Return the artifact of this hash, or the bundled one for `default`.

        Raises:
            ArtifactError: no source has it, it is damaged, or it has another hash.
        """
        shipped = default_artifact()
        if name in {DEFAULT, shipped.hash}:
            return shipped
        if name in self._files:
            return self._files[name]
        if name not in self._read:
            self._read[name] = _checked(name, self._on_topic(name))
        return self._read[name]

    def _on_topic(self, name: str) -> bytes:
        missing = f"artifact {name} is neither in the package nor in a given file"
        if self._published is None:
            raise ArtifactError(f"{missing}; give its file: --artifact FILE, or SLUICE_ARTIFACTS")
        try:
            data = self._published().get(name)
        except SluiceError as error:
            raise ArtifactError(
                f"{missing}, and the registry topic is unreadable ({error}); give its file: "
                "--artifact FILE"
            ) from None
        if data is None:
            raise ArtifactError(
                f"{missing}, nor on the registry topic; publish it with `sluice train --publish`, "
                "give its file with --artifact FILE, or use `default`"
            )
        return data


def _checked(name: str, data: bytes) -> Artifact:
    artifact = read_artifact(data)
    if artifact.hash != name:
        raise ArtifactError(f"artifact {name} has the content of another one: {artifact.hash}")
    return artifact


def load_artifact(path: Path) -> Artifact:
    """Read an artifact from a file.

    Raises:
        ArtifactError: the file can't be read, or has no artifact.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ArtifactError(f"{path} exceeds the size limit of an artifact ({MAX_BYTES} bytes)")
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}") from None
    try:
        return read_artifact(data)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error}") from None


def artifact_files(paths: Iterable[Path]) -> dict[str, Artifact]:
    """Return artifacts by hash from files and folders; other files in a folder are ignored.

    Raises:
        ArtifactError: a path does not exist, a named file has no artifact, or one is damaged.
    """
    found = [load_artifact(file) for path in paths for file in _files_of(path)]
    return {artifact.hash: artifact for artifact in found}


def _files_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        return sorted(each for each in path.iterdir() if each.is_file() and _is_artifact(each))
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror}") from None


def _is_artifact(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MARK)) == _MARK
