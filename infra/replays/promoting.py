"""A run as an experiment: the current policy against the replayed one, on live users."""

from __future__ import annotations

from typing import Any

import orjson
import yaml

from infra.replays.factory import ReplayComponents, run_of
from schemas.errors import RegistryError
from streams.registry.version import RegistryVersion, parse_registry

CONTROL, REPLAYED = "control", "replayed"


class NotPromotableError(RegistryError):
    """The replayed version cannot be an arm of the current registry."""


def promoted(parts: ReplayComponents, run_id: str, name: str, share: float) -> RegistryVersion:
    """Return the current version with an experiment of two arms of equal weight.

    Raises:
        UnknownRunError: there is no such run.
        NotPromotableError: its registry differs in more than its policy, or none is current.
        RegistryError: the experiment is invalid.
    """
    run = run_of(parts, run_id)
    pointer = parts.history.current
    if pointer is None:
        raise NotPromotableError(
            "no registry version is current; publish one: sluice registry apply"
        )
    current = orjson.loads(parts.history.version(pointer.version).content)
    replayed = orjson.loads(run["spec"]["registry"])
    for part in ("tiers", "models"):
        if current[part] != replayed[part]:
            raise NotPromotableError(
                f"{part} of run {run_id} differ from the current registry, but an arm may differ "
                "in its policy only. Add them to the current registry, then replay again"
            )
    arm = differing(current["policy"], replayed["policy"])
    if not arm:
        raise NotPromotableError(
            f"run {run_id} replayed the current policy, so there is nothing to promote"
        )
    document = {
        **current,
        "experiments": {
            **current.get("experiments", {}),
            name: {"share": share, "arms": {CONTROL: {}, REPLAYED: {"policy": arm}}},
        },
    }
    return parse_registry(
        orjson.dumps(document), name=f"experiment {name}", artifacts=parts.history.artifact
    )


def differing(current: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the changed keys of a policy; mappings key by key, as arms override them."""
    found: dict[str, Any] = {}
    for key, value in wanted.items():
        old = current.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            inner = differing(old, value)
            if inner:
                found[key] = inner
        elif value != old:
            found[key] = value
    return found


def as_yaml(version: RegistryVersion) -> str:
    """Return the version as a registry file."""
    return yaml.safe_dump(orjson.loads(version.content), sort_keys=False, allow_unicode=True)
