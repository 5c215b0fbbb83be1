"""Settings of a gateway: all `SLUICE_*` variables, with their descriptions."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from core.environment import listed
from core.kafka.registry_access import ProcessAccess
from core.process_log import LogFormat
from schemas.topics import DEFAULT_TIERS, MAX_REQUEST_BYTES, MIB


class GatewaySettings(ProcessAccess):
    """Settings of one gateway process."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    gateway_host: str = Field(default="127.0.0.1", description="Address of the HTTP endpoints.")
    gateway_port: int = Field(
        default=8080, ge=0, le=65535, description="Port of the HTTP endpoints; 0 picks a free one."
    )
    gateway_ops_host: str = Field(
        default="127.0.0.1", description="Address of /health, /ready and /metrics."
    )
    gateway_ops_port: int = Field(
        default=0,
        ge=0,
        le=65535,
        description="Port of /health, /ready and /metrics; 0 picks a free one.",
    )
    gateway_open: bool = Field(
        default=False,
        description="Serve requests without an API key, as tenant `default`. Only for a gateway "
        "that others can't reach: the local pipeline sets it.",
    )
    gateway_partitions: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0,
        description="Partitions of the reply topic that this gateway reads from its start. 0: a "
        "quarter of all, at least one.",
    )
    gateway_aliases: str = Field(
        default="*=auto",
        description="Model names that requests may use beside those of the registry, as "
        "`pattern=name`, comma-separated; the first match counts. The name is `auto`, a tier or a "
        "model. Empty: any other name is refused.",
    )
    gateway_max_waiting: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=2_000, description="Maximum requests that wait for a reply; more get 503."
    )
    gateway_max_connections: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=10_000, description="Maximum open connections; more get 503."
    )
    gateway_max_body_bytes: Annotated[int, Field(ge=1024, le=MAX_REQUEST_BYTES)] = Field(
        default=MAX_REQUEST_BYTES, description="Maximum size of a request body, in bytes."
    )
    gateway_max_buffered_bytes: Annotated[int, Field(ge=MAX_REQUEST_BYTES)] = Field(
        default=128 * MIB,
        description="Maximum size of all request bodies that arrive or are published at a time, in "
        "bytes; more get 503.",
    )
    gateway_drain_s: Annotated[float, Field(gt=0, le=600)] = Field(
        default=30.0, description="Time for open requests to end after SIGTERM."
    )
    tiers: str = Field(
        default=",".join(DEFAULT_TIERS),
        description="Tiers of the pipeline, comma-separated, cheapest first.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum log level."
    )
    log_format: LogFormat = Field(
        default="text", description="`text` for people, `json` for one JSON object per line."
    )

    @field_validator("gateway_aliases")
    @classmethod
    def _aliases_have_a_form(cls, text: str) -> str:
        for entry in listed(text):
            pattern, equals, name = entry.partition("=")
            if not equals or not pattern.strip() or not name.strip():
                raise ValueError("expected pattern=name, comma-separated")
        return text

    @property
    def tier_names(self) -> tuple[str, ...]:
        """Return the tiers, cheapest first."""
        return listed(self.tiers)

    def alias_of(self, model: str) -> str | None:
        """Return the name that a model name stands for; `None` if no alias matches."""
        for entry in listed(self.gateway_aliases):
            pattern, _, name = entry.partition("=")
            if fnmatchcase(model, pattern.strip()):
                return name.strip()
        return None
