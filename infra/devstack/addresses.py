"""Addresses of Kafka and ClickHouse for a command: the environment, else the local pipeline."""

from __future__ import annotations

from typing import Any

from infra.devstack.clickhouse import LocalClickHouse, clickhouse_folder
from infra.devstack.processes.state import PartState, PipelineState, running_state
from infra.settings import InfraSettings
from schemas.errors import LocalStackError


def kafka_address(settings: InfraSettings) -> str:
    """Return the bootstrap servers.

    Raises:
        LocalStackError: none are set and no pipeline runs; the message names the command.
    """
    return settings.kafka_bootstrap_servers or _part(
        settings, "kafka", "SLUICE_KAFKA_BOOTSTRAP_SERVERS"
    )


def kafka_connection(settings: InfraSettings) -> dict[str, Any]:
    """Return the connection settings for aiokafka.

    Raises:
        LocalStackError: as `kafka_address`.
        ConfigurationError: as `KafkaAccess.kafka_at`.
    """
    return settings.kafka_at(kafka_address(settings))


def librdkafka_connection(settings: InfraSettings) -> dict[str, Any]:
    """Return the connection settings for librdkafka. Raises as `kafka_connection`."""
    return settings.librdkafka_at(kafka_address(settings))


def clickhouse_address(settings: InfraSettings) -> str:
    """Return the URL of ClickHouse; the local one's contains its password.

    Raises:
        LocalStackError: none is set and no pipeline runs; the message names the command.
    """
    if settings.clickhouse_url:
        return settings.clickhouse_url
    part = _part_state(settings, "clickhouse", "SLUICE_CLICKHOUSE_URL")
    if part.pid is None:
        return part.address
    port = int(part.address.rsplit(":", 1)[1])
    return LocalClickHouse(folder=clickhouse_folder(settings.home), port=port).url


def _part(settings: InfraSettings, name: str, variable: str) -> str:
    return _part_state(settings, name, variable).address


def _part_state(settings: InfraSettings, name: str, variable: str) -> PartState:
    part = _running(settings, variable).part(name)
    if part is None:
        raise LocalStackError(f"the local pipeline has no {name} yet; see `sluice status`")
    return part


def _running(settings: InfraSettings, variable: str) -> PipelineState:
    state = running_state(settings.home)
    if state is None:
        raise LocalStackError(
            f"no pipeline runs in {settings.home}. Start one: sluice up --detach. "
            f"Or set your own: {variable}"
        )
    return state
