"""Parameters that families of models refuse, from one table that ships with the registry code.

The table is a default: `models.<name>.unsupported` of the registry replaces it. Further refusals
are learned at run time (`streams.providers.refusals.refused_parameters`).
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml

from streams.routing.parameters.optional_parameters import PARAMETERS

_TABLE = "model_families.yaml"


def refused_by_family(provider_model: str) -> frozenset[str]:
    """Return the parameters that a model of this name refuses; none for an unknown family."""
    for pattern, refused in _families():
        if pattern.search(provider_model.lower()):
            return refused
    return frozenset()


@cache
def _families() -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    text = resources.files("streams.registry").joinpath(_TABLE).read_text("utf-8")
    return tuple(
        (
            re.compile(rf"(^|[/_.:@-])({family['name']})($|[/_.:@-])"),
            frozenset(family["unsupported"]) & PARAMETERS,
        )
        for family in yaml.safe_load(text)["families"]
    )
