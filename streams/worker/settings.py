"""Settings of a worker: all `SLUICE_*` variables, with their descriptions.

Provider keys are not among them: they are read from the variables that the registry names and
`allowed_keys` permits, at the time of a call. The connection to Kafka is `core.kafka.access`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from core.environment import listed
from core.kafka.registry_access import ProcessAccess
from core.process_log import LogFormat
from schemas.topics import DEFAULT_TIERS, REQUESTS, request_topics, tenants_by_name
from streams.alerts.log.lease_times import LeaseTimes
from streams.providers.http.host_patterns import check_entry

ENV_PREFIX = "SLUICE_"


class WorkerSettings(ProcessAccess):
    """Settings of one worker process."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="ignore", hide_input_in_errors=True, frozen=True
    )

    group: str = Field(default="sluice", description="Consumer group of all workers of a pipeline.")
    sink_group: str = Field(
        default="sluice-sink", description="Consumer group of the sinks, for alerts on its lag."
    )
    cluster: str = Field(
        default="sluice",
        description="Name of the Kafka cluster, part of ids generated for requests without an id.",
    )
    worker_instance: str | None = Field(
        default=None,
        description="Fixed name of this worker (static membership). Unset: a generated name.",
    )
    home: Path = Field(default=Path(".sluice"), description="Folder for locks and local state.")
    worker_port: int = Field(
        default=0, ge=0, le=65535, description="Port of GET /health; 0 picks a free one."
    )
    worker_host: str = Field(default="127.0.0.1", description="Address of the /health server.")

    request_topics: str = Field(
        default=REQUESTS,
        description="Request topics, comma-separated; `topic=tenant` binds one to a tenant.",
    )
    tiers: str = Field(
        default=",".join(DEFAULT_TIERS),
        description="Tiers whose topics this worker reads, comma-separated, cheapest first.",
    )
    slots_per_tier: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=256, description="Maximum messages of one tier in progress."
    )
    classify_slots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=256, description="Maximum requests in classification."
    )
    wait_slots: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=256, description="Maximum messages of one wait topic held until due."
    )
    reply_topic_prefixes: str = Field(
        default="llm.replies.,replies.",
        description="Prefixes of permitted reply topics, comma-separated. `prefix=tenant` permits "
        "one only for requests from topics that are bound to the tenant.",
    )
    allowed_keys: str = Field(
        default="*_API_KEY",
        description="Patterns of variables that may be read as keys, comma-separated. `KEY@host` "
        "restricts a key to that host; keys of webhooks require this form.",
    )
    allowed_hosts: str | None = Field(
        default=None,
        description="Permitted hosts of calls, comma-separated: `host`, `host:port`, `*.domain`, "
        "`http://host[:port]` for plain http, `loopback`, `known`. Unset: `known,loopback`.",
    )
    secrets_dir: Path | None = Field(
        default=None,
        description="Folder with one file per provider key, named as its variable, such as a "
        "mounted Secret. It precedes the environment, and changed files are read again.",
    )
    schema_registry_url: str | None = Field(
        default=None, description="Confluent schema registry; if set, Avro uses its framing."
    )
    dead_letter_window: Annotated[int, Field(ge=1)] = Field(
        default=1_000,
        description="Messages of a topic over which the share of dead letters is computed.",
    )
    dead_letter_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.5,
        description="Share of dead letters above which an alert is raised. A worker that has read "
        "no valid message since its start stops instead.",
    )
    session_timeout_s: Annotated[float, Field(ge=6, le=120)] = Field(
        default=20.0, description="Time without a heartbeat after which a worker counts as dead."
    )
    alert_session_s: Annotated[float, Field(ge=1, le=120)] = Field(
        default=10.0,
        description="Time without a heartbeat of the alert evaluator after which another worker "
        "takes over. The minimum is the brokers' `group.min.session.timeout.ms` (default 6 s).",
    )
    alert_idle_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        default=60.0,
        description="Time without progress of the alert evaluator after which another worker takes "
        "over, even if its heartbeats continue.",
    )
    drain_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=8.0, description="Time to finish work in progress after SIGTERM."
    )
    journal_before_call: bool = Field(
        default=True,
        description="Wait for the acknowledgement of the `started` record before a provider call, "
        "so that a kill -9 never leaves an unrecorded call. Costs one produce round trip.",
    )
    traces_endpoint: str | None = Field(
        default=None,
        description="OTLP/HTTP endpoint of traces, such as http://localhost:4318/v1/traces (extra "
        "`traces`). Unset: no traces.",
    )
    traces_ratio: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0,
        description="Share of traced requests among those without a `traceparent`; otherwise its "
        "sampled flag decides.",
    )
    traces_to_providers: bool = Field(
        default=False,
        description="Send the trace context to providers (`traceparent`, `tracestate`).",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum log level."
    )
    log_format: LogFormat = Field(
        default="text", description="`text` for people, `json` for one JSON object per line."
    )

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_have_a_form(cls, text: str | None) -> str | None:
        for entry in listed((text or "").lower()):
            check_entry(entry)
        return text

    @property
    def tier_names(self) -> tuple[str, ...]:
        """Return the tiers, cheapest first."""
        return listed(self.tiers)

    @property
    def bound_tenants(self) -> dict[str, str | None]:
        """Return the request topics and the tenant that each is bound to, if any."""
        return request_topics(self.request_topics)

    @property
    def callers_topics(self) -> tuple[str, ...]:
        """Return the request topics that callers publish to: all but the gateway's."""
        return tuple(tenants_by_name(self.request_topics))

    @property
    def reply_prefixes(self) -> dict[str, str | None]:
        """Return the allow-list of reply topics, and the tenant that each prefix is bound to, if
        any.
        """
        return tenants_by_name(self.reply_topic_prefixes)

    @property
    def alert_lease(self) -> LeaseTimes:
        """Return when another worker takes over the evaluation of alerts."""
        return LeaseTimes(
            session_ms=round(self.alert_session_s * 1000), idle_ms=round(self.alert_idle_s * 1000)
        )
