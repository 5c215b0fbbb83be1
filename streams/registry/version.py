"""A registry version: a validated document, identified by the hash of its content.

The hash covers canonical JSON, so comments, order of keys and spelling of numbers in the YAML do
not create a new version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from schemas.errors import ArtifactError, RegistryError
from streams.registry.artifacts import ArtifactSource
from streams.registry.document.booleans import booleans_as_numbers
from streams.registry.document.document import RegistryDocument
from streams.registry.document.document_problems import artifact_missing, problems_in
from streams.registry.document.problems import InvalidRegistryError
from streams.registry.document.yaml_text import YamlText, read_json, read_yaml
from streams.registry.learned import DEFAULT, ArtifactOf
from streams.registry.snapshots import snapshot_of
from streams.routing.snapshot import RegistrySnapshot

HASH_CHARACTERS = 16
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryVersion:
    """One version: `content` is the canonical JSON, `snapshot` the form that the router uses."""

    hash: str
    content: bytes
    snapshot: RegistrySnapshot


def load_registry(path: Path, artifacts: ArtifactOf | None = None) -> RegistryVersion:
    """Read and validate a registry file; its artifact comes from `artifacts`, else from the
    package.

    Raises:
        RegistryError: the file can't be read or is invalid; the message names each path.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8 text"
        raise RegistryError(f"cannot read {path}: {why}") from None
    return parse_registry(text, name=str(path), artifacts=artifacts)


def parse_registry(
    text: str | bytes,
    *,
    name: str = "registry",
    artifacts: ArtifactOf | None = None,
    is_json: bool = False,
) -> RegistryVersion:
    """Validate a registry given as YAML, or as JSON, which is parsed a hundred times as fast.

    An artifact that its policy needs comes from `artifacts`; `default` is replaced by the hash of
    the bundled one, so a version has a fixed meaning.

    Raises:
        RegistryError: it is invalid, or names an artifact that is missing or invalid.
    """
    if len(text) > _MAX_BYTES:
        raise RegistryError(f"{name}: larger than {_MAX_BYTES} bytes")
    raw = (read_json if is_json else read_yaml)(text, name)
    try:
        document = RegistryDocument.model_validate(raw.value)
    except ValidationError as error:
        raise InvalidRegistryError(name, problems_in(error, raw)) from None
    if not is_json and (problems := booleans_as_numbers(raw, document.model_dump())):
        raise InvalidRegistryError(name, problems)
    artifacts = artifacts or ArtifactSource()
    try:
        content = orjson.dumps(_plain(document, artifacts, name, raw), option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise RegistryError(f"{name}: a number exceeds 64 bits") from None
    digest = content_hash(content)
    snapshot = snapshot_of(document, digest, name=name, artifacts=artifacts, text=raw)
    return RegistryVersion(hash=digest, content=content, snapshot=snapshot)


def content_hash(content: bytes) -> str:
    """Return the hash of a version's content."""
    return hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]


def _plain(document: RegistryDocument, artifacts: ArtifactOf, name: str, text: YamlText) -> Any:
    """Return JSON values of the document; sets are sorted, so equal content has one hash, and
    `default` is replaced by the artifact that it means today.
    """
    value = document.model_dump(mode="json", exclude_none=True)
    for model in value["models"].values():
        for names in ("capabilities", "unsupported", "extra_body"):
            if names in model:
                model[names] = sorted(model[names])
    arms = [arm for each in value["experiments"].values() for arm in each["arms"].values()]
    if not (document.policy.needs_artifact or any(arm["policy"] for arm in arms)):
        return value
    try:
        meant = artifacts(DEFAULT).hash
    except ArtifactError as error:
        raise artifact_missing(name, error, text) from None
    for policy in (value["policy"], *(arm["policy"] for arm in arms)):
        learned = policy.get("learned")
        if isinstance(learned, dict) and learned.get("artifact") == DEFAULT:
            learned["artifact"] = meant
    return value
