"""Sections of the registry file that compare policies on live traffic."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from streams.registry.document.models import DocumentPart, Name
from streams.routing.policy import Share


class ArmPart(DocumentPart):
    """One arm: its weight relative to the others, and its overrides of `policy`.

    `policy` holds any keys of the file's own `policy`; they replace those, mappings key by key.
    """

    weight: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    policy: dict[str, Any] = Field(default_factory=dict)


class ExperimentPart(DocumentPart):
    """Compares arms on a share of the users; if set, only of some features or tenants."""

    share: Share = 1.0
    feature: tuple[Name, ...] = ()
    tenant: tuple[Name, ...] = ()
    arms: Annotated[dict[Name, ArmPart], Field(min_length=2, max_length=8)]
