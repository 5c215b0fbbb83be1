"""Which registry version a replay decides by: a file, the current one with another artifact, or the
current one as it is; and those that were live.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from schemas.errors import ArtifactError, RegistryError
from streams.registry.topic import RegistryHistory
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.landscape import Landscape
from streams.routing.learned.artifact import Artifact, read_artifact

_EMPTY = "no registry version is current; name one: --registry FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Whence a replay's registry: a file, else the current one; an artifact, by file or hash."""

    file: Path | None = None
    artifact: str | None = None


def chosen(history: RegistryHistory, origin: Origin) -> tuple[RegistryVersion, Artifact | None]:
    """The version, and the artifact out of a file that it decides by, if there is one.

    Raises:
        RegistryError: the file can't be read or does not validate, or nothing is current.
        ArtifactError: the artifact is neither a file nor on the topic.
    """
    file, artifact = origin.file, origin.artifact
    own = _from_file(artifact)
    artifacts = _artifacts(history, own)
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RegistryError(f"{file}: can not be read ({error})") from None
        version = parse_registry(text, name=str(file), artifacts=artifacts)
    else:
        pointer = history.current
        if pointer is None:
            raise RegistryError(_EMPTY)
        version = history.version(pointer.version)
    if artifact is None:
        return version, None
    digest = own.hash if own is not None else artifact
    return with_artifact(version, digest, artifacts), own


def with_artifact(
    version: RegistryVersion, digest: str, artifacts: Callable[[str], Artifact]
) -> RegistryVersion:
    """The version with this artifact in its policy, its classifier `learned` unless it is one that
    goes by an artifact already.

    Raises:
        RegistryError: the artifact is not there or does not fit the registry.
    """
    document = orjson.loads(version.content)
    policy = document["policy"]
    policy["learned"] = {**(policy.get("learned") or {}), "artifact": digest}
    if policy.get("classifier") not in {"learned", "hybrid"}:
        policy["classifier"] = "learned"
        policy.pop("boundaries", None)
    name = f"{version.hash} with artifact {digest}"
    return parse_registry(orjson.dumps(document), name=name, artifacts=artifacts)


def of_run(history: RegistryHistory, content: str) -> Landscape:
    """The registry that a run recorded. Only its models and prices are needed, so that an artifact
    that was never published is no hindrance.
    """
    document = orjson.loads(content)
    try:
        return parse_registry(content, artifacts=history.artifact).landscape
    except RegistryError:
        plain = {"tiers": document["tiers"], "models": document["models"]}
        return parse_registry(orjson.dumps(plain)).landscape


def live(history: RegistryHistory) -> Callable[[str], Landscape | None]:
    """The versions that were live, by hash; `None` for one that the topic does not hold, or that
    does not validate any more.
    """
    known: dict[str, Landscape | None] = {}

    def find(digest: str) -> Landscape | None:
        if digest not in known:
            try:
                known[digest] = history.version(digest).landscape
            except RegistryError:
                known[digest] = None
        return known[digest]

    return find


def _from_file(artifact: str | None) -> Artifact | None:
    if artifact is None or not Path(artifact).is_file():
        return None
    try:
        return read_artifact(Path(artifact).read_bytes())
    except OSError as error:
        raise ArtifactError(f"{artifact} can't be read: {error.strerror}") from None


def _artifacts(history: RegistryHistory, own: Artifact | None) -> Callable[[str], Artifact]:
    def find(digest: str) -> Artifact:
        if own is not None and digest == own.hash:
            return own
        return history.artifact(digest)

    return find
