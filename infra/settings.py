"""Settings of the operator's commands and the local pipeline: `SLUICE_*` variables.

Worker and sink have their own settings (`streams/worker/settings.py`, `sinks/settings.py`). A name
has the same meaning in all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from core.environment import listed
from core.kafka.access import Servers
from core.kafka.registry_access import RegistryAccess
from core.process_log import LogFormat
from schemas.topics import DEFAULT_TIERS, REQUESTS, request_topics

Port = Annotated[int | None, Field(ge=0, le=65535)]
"""Zero selects a free port that is kept; unset is the default port if it is free, else a
free one.
"""


class InfraSettings(RegistryAccess):
    """Settings of the commands and of the local pipeline."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    home: Path = Field(
        default=Path(".sluice"), description="Folder of the local pipeline: data, logs, state."
    )
    kafka_bootstrap_servers: Servers | None = Field(
        default=None,
        description="Your own Kafka, host:port, comma-separated. Unset: the local pipeline's.",
    )
    clickhouse_url: str | None = Field(
        default=None,
        description="Your own ClickHouse, `http(s)://[user:password@]host:port`. "
        "Unset: the local pipeline's.",
        repr=False,
    )
    kafka_port: Port = Field(default=None, description="Port of the local Kafka; 0: a free one.")
    clickhouse_port: Port = Field(
        default=None, description="Port of the local ClickHouse; 0: a free one."
    )
    simulator_port: Port = Field(
        default=None, description="Port of the provider simulator; 0: a free one."
    )
    worker_port: Port = Field(
        default=None,
        description="Port of the first local worker's /health, then the next ports; 0: free ones.",
    )
    gateway_port: Port = Field(default=None, description="Port of the HTTP gateway; 0: a free one.")
    sink_port: Port = Field(default=None, description="Port of the sink's /health; 0: a free one.")

    workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=1, description="Workers of the local pipeline."
    )
    registry: Path | None = Field(
        default=None,
        description="Registry file that `up` applies. Unset: three tiers on the simulator, unless "
        "another version is current.",
    )
    artifacts: Path | None = Field(
        default=None,
        description="File or folder with learned artifacts that registry files may name, besides "
        "those in the package and on the registry topic.",
    )
    simulator_answers: Path | None = Field(
        default=None, description="Recorded answers that the simulator replays (JSONL, also .gz)."
    )
    simulator_latency_ms: Annotated[float | None, Field(ge=0)] = Field(
        default=None, description="Median latency of a simulated call. Unset: by model tier."
    )

    log_format: LogFormat = Field(
        default="text", description="`text` for people, `json` for one JSON object per line."
    )

    tiers: str = Field(
        default=",".join(DEFAULT_TIERS),
        description="Tiers with topics, comma-separated, cheapest first.",
    )
    request_topics: str = Field(
        default=REQUESTS,
        description="Request topics, comma-separated; `topic=tenant` binds one to a tenant.",
    )
    replay_days: Annotated[int, Field(ge=1, le=365)] = Field(
        default=7, description="Days for which requests are kept and can be replayed."
    )
    request_partitions: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4, description="Partitions of topics that callers write or read."
    )
    pipeline_partitions: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=4, description="Partitions of tier, wait and event topics: maximum of busy workers."
    )
    replication: Annotated[int, Field(ge=1, le=7)] = Field(
        default=1, description="Replicas of each topic."
    )

    @property
    def tier_names(self) -> tuple[str, ...]:
        """Return the tiers, cheapest first."""
        return listed(self.tiers)

    @property
    def request_topic_names(self) -> tuple[str, ...]:
        """Return the request topics, without the tenants bound to them."""
        return tuple(request_topics(self.request_topics))
