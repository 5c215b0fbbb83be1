"""Registry of the local pipeline: three tiers of well-known models, served by the simulator."""

from __future__ import annotations

from importlib import resources

SIMULATOR_PLACE = "{simulator}"


def local_registry(simulator_url: str) -> str:
    """Return the registry file of the local pipeline, as YAML."""
    template = resources.files("infra.devstack").joinpath("registry.yaml").read_text()
    return template.replace(SIMULATOR_PLACE, simulator_url.rstrip("/"))
