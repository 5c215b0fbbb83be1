"""Preparation before the first worker starts: topics, tables, a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from clickhouse_connect.driver.exceptions import Error as DriverError

from infra.devstack.artifact_source import artifact_source
from infra.devstack.registry import local_registry
from infra.settings import InfraSettings
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.errors import RegistryError
from schemas.topic_declarations import declared_topics
from sinks.clickhouse.connection import LOST, connect, sink_error
from sinks.clickhouse.migrate import Migration, migrate
from sinks.clickhouse.retention import keep_only
from sinks.clickhouse.roles import create_roles
from sinks.settings import SinkSettings
from streams.registry.publishing import publish_version
from streams.registry.registry_topic import read_history
from streams.registry.version import RegistryVersion, load_registry, parse_registry

Result = TypeVar("Result")

APPLIED_BY = "sluice up"


def create_topics(
    settings: InfraSettings, bootstrap_servers: str, tiers: tuple[str, ...]
) -> list[str]:
    """Create missing declared topics; return their names.

    Raises:
        TopicError: the broker rejected one.
    """
    topics = declared_topics(
        tiers,
        request_topics=settings.request_topic_names,
        replay_days=settings.replay_days,
    )
    return TopicsAdmin(bootstrap_servers).create(topics, partitions_of(settings))


def partitions_of(settings: InfraSettings) -> Partitions:
    """Return the partition counts of topics."""
    return Partitions(
        requests=settings.request_partitions,
        pipeline=settings.pipeline_partitions,
        replication=settings.replication,
    )


def migrate_tables(clickhouse_url: str) -> list[Migration]:
    """Migrate the tables and set their retention; return the applied migrations.

    Raises:
        SinkError: ClickHouse does not respond, or an applied migration was edited.
    """
    settings = SinkSettings(clickhouse_url=clickhouse_url)
    client = connect(settings)
    try:
        applied = migrate(client, settings)
        _translated(lambda: keep_only(client, settings))
        return applied
    finally:
        client.close()


def grant_roles(clickhouse_url: str) -> tuple[str, ...]:
    """Create the roles of readers of the tables; return their names.

    Raises:
        SinkError: ClickHouse does not respond, or does not permit it.
    """
    settings = SinkSettings(clickhouse_url=clickhouse_url)
    client = connect(settings)
    try:
        return _translated(lambda: create_roles(client, settings))
    finally:
        client.close()


def _translated(what: Callable[[], Result]) -> Result:
    """Return ClickHouse's result, with its errors as Sluice's."""
    try:
        return what()
    except (DriverError, *LOST) as error:
        raise sink_error(error) from error


def settle_registry(
    settings: InfraSettings, bootstrap_servers: str, simulator_url: str
) -> RegistryVersion:
    """Make a registry version current, and return it.

    A file in the settings is applied. Without one, a version that an operator applied stays; the
    local registry is used for a topic without versions, and replaces only what `up` itself applied.

    Raises:
        RegistryError: the file, or the version on the topic, is invalid.
    """
    return asyncio.run(_settle(settings, bootstrap_servers, simulator_url))


async def _settle(
    settings: InfraSettings, bootstrap_servers: str, simulator_url: str
) -> RegistryVersion:
    keys = settings.registry_keys
    history = await read_history(settings.librdkafka_at(bootstrap_servers), keys=keys)
    current = history.current
    if current is None and history.refused:
        raise RegistryError(
            "no version on the registry topic is signed by the keys of SLUICE_REGISTRY_KEY. Start "
            "the pipeline without it, sign the version that you trust (SLUICE_REGISTRY_KEY=... "
            "sluice registry sign), then start it with the key"
        )
    if settings.registry is not None:
        wanted = load_registry(settings.registry, artifact_source(settings, (), history))
    elif current is None or current.by == APPLIED_BY:
        wanted = parse_registry(local_registry(simulator_url), name="the local registry")
    else:
        return history.version(current.version)
    if current is None or current.version != wanted.hash:
        before = current.applied() if current else ()
        kafka = settings.kafka_at(bootstrap_servers)
        await publish_version(kafka, wanted, by=APPLIED_BY, before=before, keys=keys)
    return wanted
