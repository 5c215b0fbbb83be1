"""Settings of the sink: `SLUICE_*` environment variables, documented here."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from core.credentials import Hidden, secret, tls_context
from core.kafka.registry_access import ProcessAccess
from core.process_log import LogFormat
from schemas.errors import ConfigurationError
from schemas.topics import REQUESTS, request_topics

GROUP = "sluice-sink"


class SinkSettings(ProcessAccess):
    """Settings of one sink process, of migrations and of queries."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    schema_registry_url: str | None = Field(
        default=None, description="Confluent schema registry, for events with its framing."
    )
    clickhouse_url: str = Field(
        default="http://localhost:8123",
        description="ClickHouse's HTTP interface, `http(s)://[user:password@]host:port`.",
        repr=False,
    )
    clickhouse_user: str | None = Field(
        default=None, description="User of ClickHouse, if the URL has none."
    )
    clickhouse_password: SecretStr | None = Field(
        default=None, description="Password of the user; preferably in a file."
    )
    clickhouse_password_file: Path | None = Field(
        default=None, description="File that holds the password; read when a process starts."
    )
    clickhouse_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the CAs that sign ClickHouse's certificate (https). "
        "Unset: the system's CAs.",
    )
    clickhouse_cert_file: Path | None = Field(
        default=None, description="PEM file of the client certificate, if ClickHouse requires one."
    )
    clickhouse_key_file: Path | None = Field(
        default=None, description="PEM file of its private key, without a passphrase."
    )
    clickhouse_database: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(
        default="sluice", description="Database of all tables."
    )
    clickhouse_cluster: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$")] = Field(
        default="",
        description="Cluster to run migrations on (`ON CLUSTER`, `Replicated*`). Empty: one node.",
    )
    text_days: Annotated[int, Field(ge=0, le=3_650)] = Field(
        default=30,
        description="Days for which prompts, answers and comments stay readable in ClickHouse, "
        "if they are stored; `sluice migrate` sets it. 0: no limit.",
    )
    row_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        default=0,
        description="Minimum days for which rows stay in ClickHouse; `sluice migrate` sets "
        "it. They are deleted a month at a time. 0: no limit.",
    )
    group: str = Field(
        default="sluice",
        description="Consumer group of the workers whose evaluation of alert rules sinks monitor.",
    )
    alerts_overdue_s: Annotated[float, Field(ge=1, le=86_400)] = Field(
        default=60.0,
        description="Time without an evaluation of alert rules by any worker after which the sink "
        "raises `alerts_not_evaluated`.",
    )
    request_topics: str = Field(
        default=REQUESTS,
        description="Request topics, comma-separated; `topic=tenant` binds one to a tenant. The "
        "sink stores their dead letters.",
    )
    sink_group: str = Field(default=GROUP, description="Consumer group of all sinks.")
    sink_instance: str = Field(default="sink", description="Name of this sink in health and log.")
    sink_host: str = Field(default="127.0.0.1", description="Address of the /health server.")
    sink_port: int = Field(
        default=0, ge=0, le=65535, description="Port of GET /health; 0 picks a free one."
    )
    sink_flush_ms: Annotated[int, Field(ge=1, le=60_000)] = Field(
        default=1_000,
        description="Longest wait of rows before an insert. Each insert costs "
        "ClickHouse 10 to 20 ms of CPU, regardless of its rows.",
    )
    sink_batch_rows: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=100_000, description="Most rows of one insert."
    )
    sink_batch_bytes: Annotated[int, Field(ge=1, le=64_000_000)] = Field(
        default=64_000_000, description="Most bytes of one insert; a larger row is inserted alone."
    )
    sink_buffer_bytes: Annotated[int, Field(ge=1_000_000)] = Field(
        default=128_000_000, description="Most bytes buffered over all partitions, shared evenly."
    )
    session_timeout_s: Annotated[float, Field(ge=6, le=120)] = Field(
        default=6.0, description="Time without a heartbeat after which a sink counts as dead."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum log level."
    )
    log_format: LogFormat = Field(
        default="text", description="`text` for people, `json` for one JSON object per line."
    )

    @property
    def request_topic_names(self) -> tuple[str, ...]:
        """Return the request topics, without the tenants bound to them."""
        return tuple(request_topics(self.request_topics))

    @property
    def clickhouse_secret(self) -> Hidden | None:
        """Return the password beside the URL, if any.

        Raises:
            ConfigurationError: its file is unreadable.
        """
        return secret(
            self.clickhouse_password, self.clickhouse_password_file, "SLUICE_CLICKHOUSE_PASSWORD"
        )

    @property
    def clickhouse_tls(self) -> ssl.SSLContext | None:
        """Return the TLS context for https; `None` for http.

        Raises:
            ConfigurationError: a file is unusable, or one of certificate and key is missing.
        """
        if urlsplit(self.clickhouse_url).scheme != "https":
            return None
        if (self.clickhouse_cert_file is None) != (self.clickhouse_key_file is None):
            raise ConfigurationError(
                "SLUICE_CLICKHOUSE_CERT_FILE and SLUICE_CLICKHOUSE_KEY_FILE are required together; "
                "set both"
            )
        return tls_context(
            self.clickhouse_ca_file,
            self.clickhouse_cert_file,
            self.clickhouse_key_file,
            of="SLUICE_CLICKHOUSE",
        )
