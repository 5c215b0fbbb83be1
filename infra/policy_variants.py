"""A registry version with another classifier, or another learned artifact, in its policy."""

from __future__ import annotations

from typing import Any

import orjson

from streams.registry.learned import ArtifactOf
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.assessment import HYBRID, LEARNED

_BY_ARTIFACT = frozenset({LEARNED, HYBRID})


def with_classifier(
    version: RegistryVersion, classifier: str, digest: str | None, artifacts: ArtifactOf
) -> RegistryVersion:
    """Return the version with this classifier, and with this artifact if given.

    Boundaries are removed if `learned` is set, because its scores have another scale.

    Raises:
        RegistryError: the policy lacks a setting of the classifier, or the artifact does not fit.
    """
    document: dict[str, Any] = orjson.loads(version.content)
    policy = document["policy"]
    if policy.get("classifier") != classifier:
        if classifier == LEARNED:
            policy.pop("boundaries", None)
        policy["classifier"] = classifier
    name = f"{version.hash} with classifier {classifier}"
    if digest is not None:
        policy["learned"] = {**(policy.get("learned") or {}), "artifact": digest}
        name = f"{name} and artifact {digest}"
    return parse_registry(orjson.dumps(document), name=name, artifacts=artifacts)


def with_artifact(version: RegistryVersion, digest: str, artifacts: ArtifactOf) -> RegistryVersion:
    """Return the version with this artifact in its policy. The classifier becomes `learned` unless
    it already uses an artifact.

    Raises:
        RegistryError: the artifact is missing or does not fit the registry.
    """
    current = version.snapshot.policy.classifier
    classifier = current if current in _BY_ARTIFACT else LEARNED
    return with_classifier(version, classifier, digest, artifacts)
