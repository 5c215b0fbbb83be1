"""A registry version: a checked document under the hash of its content.

The hash is taken over canonical JSON, so that comments, order of keys and spelling of numbers in
the YAML make no new version.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml
from pydantic import ValidationError

from schemas.errors import ArtifactError, RegistryError
from streams.registry.document import RegistryDocument
from streams.registry.landscapes import landscape_of
from streams.registry.learned import DEFAULT, ArtifactOf, shipped_artifact
from streams.routing.landscape import Landscape

HASH_CHARACTERS = 16
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryVersion:
    """One version: `content` is the canonical JSON, `landscape` what the router decides by."""

    hash: str
    content: bytes
    landscape: Landscape


def load_registry(path: Path) -> RegistryVersion:
    """Read and check a registry file.

    Raises:
        RegistryError: the file can't be read or does not validate; the message names each path.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError(f"{path}: can not be read ({error})") from None
    return parse_registry(text, name=str(path))


def parse_registry(
    text: str | bytes, *, name: str = "registry", artifacts: ArtifactOf = shipped_artifact
) -> RegistryVersion:
    """Check a registry given as YAML (or JSON, which is YAML).

    An artifact that its policy needs comes from `artifacts`; `default` becomes the hash of the one
    that ships, so that a version means the same for ever.

    Raises:
        RegistryError: it does not validate, or names an artifact that is not there or not valid.
    """
    if len(text) > _MAX_BYTES:
        raise RegistryError(f"{name}: larger than {_MAX_BYTES} bytes")
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark else ""
        raise RegistryError(f"{name}: not YAML{place}") from None
    try:
        document = RegistryDocument.model_validate(raw)
    except ValidationError as error:
        raise RegistryError(f"{name} does not validate:\n{_report(error)}") from None
    content = orjson.dumps(_plain(document, artifacts, name), option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]
    landscape = landscape_of(document, digest, name=name, artifacts=artifacts, report=_report)
    return RegistryVersion(hash=digest, content=content, landscape=landscape)


def _plain(document: RegistryDocument, artifacts: ArtifactOf, name: str) -> Any:
    """JSON values of the document; sets are sorted, so that equal content has one hash, and
    `default` is the artifact that it means today.
    """
    value = document.model_dump(mode="json", exclude_none=True)
    for model in value["models"].values():
        for names in ("capabilities", "unsupported"):
            if names in model:
                model[names] = sorted(model[names])
    arms = [arm for each in value["experiments"].values() for arm in each["arms"].values()]
    if not (document.policy.needs_artifact or any(arm["policy"] for arm in arms)):
        return value
    try:
        meant = artifacts(DEFAULT).hash
    except ArtifactError as error:
        raise RegistryError(f"{name}: policy.learned.artifact: {error}") from None
    for policy in (value["policy"], *(arm["policy"] for arm in arms)):
        learned = policy.get("learned")
        if isinstance(learned, dict) and learned.get("artifact") == DEFAULT:
            learned["artifact"] = meant
    return value


def _report(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join(str(part) for part in item["loc"]) or "document"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "unknown key"
        lines.append(f"  {path}: {message}")
    return "\n".join(lines)
