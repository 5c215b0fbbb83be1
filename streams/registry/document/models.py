"""Sections of the registry file on models and their instances."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from schemas.identity import NAME
from streams.registry.document.web_addresses import BaseUrl
from streams.routing.extra_names import NEVER
from streams.routing.parameters.optional_parameters import PARAMETERS
from streams.routing.policy import Milliseconds
from streams.routing.snapshot import CAPABILITIES, Limits

Name = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
TierName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
TenantName = Annotated[str, StringConstraints(pattern=rf"^(\*|{NAME.pattern})$")]
API_VERSION = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
"""Forms of a version, which is sent in a header or a query."""

Usd = Annotated[Decimal, Field(ge=0, max_digits=18)]
Factor = Annotated[Decimal, Field(gt=0, le=100, max_digits=9)]


def one_of(known: Collection[str]) -> AfterValidator:
    """Return a validator that rejects every name but these, and lists them."""

    def check(name: str) -> str:
        if name not in known:
            raise ValueError("must be one of " + ", ".join(sorted(known)))
        return name

    return AfterValidator(check)


Capability = Annotated[str, one_of(CAPABILITIES)]
Parameter = Annotated[str, one_of(PARAMETERS)]


class DocumentPart(BaseModel):
    """A section of the document; unknown keys are rejected by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TenantLimitsPart(DocumentPart):
    """Limits of one tenant; a missing field is no limit."""

    requests_per_minute: Annotated[int, Field(gt=0)] | None = None
    concurrency: Annotated[int, Field(gt=0)] | None = None


class InstancePart(DocumentPart):
    """An endpoint of a model."""

    name: Name
    base_url: BaseUrl
    api_key_env: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    api_version: Annotated[str, StringConstraints(pattern=API_VERSION)] | None = None
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    limits: Limits = Limits()


class TokenPricePart(DocumentPart):
    """USD per million tokens."""

    input: Usd
    output: Usd
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    cache_write_1h: Usd | None = None
    audio_input: Usd | None = None
    audio_output: Usd | None = None


class PricePart(TokenPricePart):
    """USD per million tokens; `web_search` is USD per thousand searches. Calls that the provider
    bills by a service tier, a speed or a geography that is not listed here have no known cost.
    """

    web_search: Usd | None = None
    service_tiers: Annotated[dict[Name, TokenPricePart], Field(max_length=16)] | None = None
    speeds: Annotated[dict[Name, TokenPricePart], Field(max_length=16)] | None = None
    geographies: Annotated[dict[Name, Factor], Field(max_length=64)] | None = None


class ModelPart(DocumentPart):
    """A model: provider, capabilities, instances."""

    provider: Name
    model: str | None = None
    tier: TierName
    capabilities: frozenset[Capability] = CAPABILITIES
    context_window: Annotated[int, Field(gt=0)] = 128_000
    max_output: Annotated[int, Field(gt=0)] = 4_096
    expected_latency_ms: Milliseconds = 1_000.0
    price: PricePart | None = None
    unsupported: frozenset[Parameter] | None = None
    extra_body: Annotated[frozenset[Name], Field(max_length=256)] | None = None
    instances: Annotated[tuple[InstancePart, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _instances_differ(self) -> ModelPart:
        names = [instance.name for instance in self.instances]
        if len(set(names)) < len(names):
            raise ValueError("instances: duplicate name")
        never = sorted(NEVER & (self.extra_body or frozenset()))
        if never:
            raise ValueError(f"extra_body: must not list {', '.join(never)}")
        return self
