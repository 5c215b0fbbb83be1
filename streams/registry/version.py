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
from streams.registry.document import InstancePart, ModelPart, RegistryDocument
from streams.registry.learned import ArtifactOf, shipped_artifact, with_artifact
from streams.routing.landscape import (
    CallTimeouts,
    CascadePolicy,
    FallbackPolicy,
    FeaturePolicy,
    Instance,
    Landscape,
    LearnedPolicy,
    Limits,
    ListPrice,
    Model,
    Policy,
    Privacy,
    RetrievalPolicy,
    StaticRule,
)

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
    plain = _plain(document)
    artifact = None
    if document.policy.needs_artifact:
        try:
            artifact = artifacts(document.policy.learned.artifact)
        except ArtifactError as error:
            raise RegistryError(f"{name}: policy.learned.artifact: {error}") from None
        plain["policy"]["learned"]["artifact"] = artifact.hash
    content = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    digest = hashlib.sha256(content).hexdigest()[:HASH_CHARACTERS]
    landscape = _landscape(document, digest)
    if artifact is not None:
        landscape = with_artifact(landscape, document.policy.learned, artifact, name)
    return RegistryVersion(hash=digest, content=content, landscape=landscape)


def _plain(document: RegistryDocument) -> Any:
    """JSON values of the document; sets are sorted, so that equal content has one hash."""
    value = document.model_dump(mode="json", exclude_none=True)
    for model in value["models"].values():
        model["capabilities"] = sorted(model["capabilities"])
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


def _landscape(document: RegistryDocument, version: str) -> Landscape:
    policy = document.policy
    return Landscape(
        version=version,
        tiers=document.tiers,
        models={name: _model(name, part) for name, part in document.models.items()},
        baseline=document.baseline,
        privacy=Privacy(**document.privacy.model_dump()),
        policy=Policy(
            classifier=policy.classifier,
            boundaries=policy.boundaries,
            learned=LearnedPolicy(columns=policy.learned.columns, margin=policy.learned.margin),
            per_feature={
                feature: FeaturePolicy(
                    quality=part.quality, boundaries=part.boundaries, thresholds=part.thresholds
                )
                for feature, part in policy.features.items()
            },
            default_quality=policy.quality,
            static_rules=tuple(
                StaticRule(
                    tier=rule.tier,
                    features=frozenset(rule.when.feature),
                    tenants=frozenset(rule.when.tenant),
                    user_tiers=frozenset(rule.when.user_tier),
                    metadata=rule.when.metadata,
                )
                for rule in policy.static
            ),
            cascade=CascadePolicy(
                enabled=policy.cascade.enabled,
                scorer=policy.cascade.confidence,
                thresholds=policy.cascade.thresholds,
                default_threshold=policy.cascade.default_threshold,
                max_hops=policy.cascade.max_hops,
            ),
            fallback=FallbackPolicy(**policy.fallback.model_dump()),
            retrieval=RetrievalPolicy(**policy.retrieval.model_dump()),
            timeouts=CallTimeouts(**policy.timeouts.model_dump()),
        ),
    )


def _model(name: str, part: ModelPart) -> Model:
    return Model(
        name=name,
        provider=part.provider,
        provider_model=part.model or name,
        tier=part.tier,
        capabilities=frozenset(part.capabilities),
        context_window=part.context_window,
        max_output=part.max_output,
        expected_latency_ms=part.expected_latency_ms,
        instances=tuple(_instance(instance) for instance in part.instances),
        price=ListPrice(**part.price.model_dump()) if part.price else None,
    )


def _instance(part: InstancePart) -> Instance:
    return Instance(
        name=part.name,
        base_url=part.base_url,
        api_key_env=part.api_key_env,
        api_version=part.api_version,
        weight=part.weight,
        limits=Limits(**part.limits.model_dump()),
    )
