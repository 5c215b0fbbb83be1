"""What must be there before the first worker starts: topics, tables, a registry."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from infra.local.registry import local_registry
from infra.settings import InfraSettings
from infra.topics_admin import Partitions, TopicsAdmin
from schemas.topics import declared_topics
from sinks.connect import connect
from sinks.migrate import Migration, migrate
from sinks.settings import SinkSettings
from streams.registry.topic import publish_version, read_history
from streams.registry.version import RegistryVersion, load_registry, parse_registry

APPLIED_BY = "sluice up"


def create_topics(
    settings: InfraSettings, bootstrap_servers: str, tiers: tuple[str, ...]
) -> list[str]:
    """Create the declared topics that are missing; their names.

    Raises:
        TopicError: the broker refused one.
    """
    topics = declared_topics(
        tiers,
        request_topics=settings.request_topic_names,
        replay_days=settings.replay_days,
    )
    return TopicsAdmin(bootstrap_servers).create(topics, partitions_of(settings))


def partitions_of(settings: InfraSettings) -> Partitions:
    """How wide topics are to be."""
    return Partitions(
        requests=settings.request_partitions,
        pipeline=settings.pipeline_partitions,
        replication=settings.replication,
    )


def migrate_tables(clickhouse_url: str) -> list[Migration]:
    """Bring the tables to this version's shape; the migrations that were applied now.

    Raises:
        SinkError: ClickHouse does not answer, or an applied migration was edited.
    """
    settings = SinkSettings(clickhouse_url=clickhouse_url)
    client = connect(settings)
    try:
        return migrate(client, settings)
    finally:
        client.close()


def settle_registry(
    settings: InfraSettings, bootstrap_servers: str, simulator_url: str
) -> RegistryVersion:
    """Make a registry version current, and say which one is.

    A file that the settings name is applied. Without one, a version that an operator applied stays;
    the local registry is for a topic that has none, and replaces only what `up` itself put there.

    Raises:
        RegistryError: the file, or the version on the topic, does not validate.
    """
    kafka = settings.kafka_at(bootstrap_servers)
    return asyncio.run(_settle(settings, kafka, simulator_url))


async def _settle(
    settings: InfraSettings, kafka: Mapping[str, Any], simulator_url: str
) -> RegistryVersion:
    history = await read_history(kafka)
    current = history.current
    if settings.registry is not None:
        wanted = load_registry(settings.registry)
    elif current is None or current.by == APPLIED_BY:
        wanted = parse_registry(local_registry(simulator_url), name="the local registry")
    else:
        return history.version(current.version)
    if current is None or current.version != wanted.hash:
        await publish_version(kafka, wanted, by=APPLIED_BY)
    return wanted
