"""Installed providers, found by entry point: the built-in ones and those of other packages.

A package offers one under the group `sluice.providers`; it is called with a key ring and a host
policy and returns a `Provider`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.metadata import EntryPoint, entry_points

from schemas.errors import ConfigurationError
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.port import Provider

GROUP = "sluice.providers"

ProviderFactory = Callable[[KeyRing, HostPolicy], Provider]


def open_providers(
    keys: KeyRing, hosts: HostPolicy, names: Collection[str] | None = None
) -> Mapping[str, Provider]:
    """Load providers; all installed ones unless names are given.

    Raises:
        ConfigurationError: a name is not installed, or its entry point can't be loaded.
    """
    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    wanted = installed if names is None else names
    missing = [name for name in wanted if name not in installed]
    if missing:
        raise ConfigurationError(
            f"no provider named {', '.join(missing)}; installed: {', '.join(sorted(installed))}"
        )
    opened: dict[str, Provider] = {}
    for name in wanted:
        opened[name] = _load(installed[name])(keys, hosts)
    return opened


def _load(entry: EntryPoint) -> ProviderFactory:
    try:
        factory: ProviderFactory = entry.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"cannot load provider {entry.name} from {entry.value}: {error}"
        ) from error
    return factory
