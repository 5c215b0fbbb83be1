"""Sources of learned artifacts for a command: named files, the package, the topic."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.kafka.preflight import check_connection
from infra.devstack.addresses import kafka_connection, librdkafka_connection
from infra.settings import InfraSettings
from streams.registry.artifacts import ArtifactSource, artifact_files
from streams.registry.history import RegistryHistory
from streams.registry.registry_topic import read_history


def artifact_source(
    settings: InfraSettings,
    files: Sequence[Path] = (),
    history: RegistryHistory | None = None,
) -> ArtifactSource:
    """Return the source for a command; without a `history` the topic is read on demand.

    Raises:
        ArtifactError: a named file does not exist or holds no artifact.
    """
    named = [*files, *(() if settings.artifacts is None else (settings.artifacts,))]

    def published() -> Mapping[str, bytes]:
        return (history or asyncio.run(_history(settings))).artifacts

    return ArtifactSource(published=published, files=artifact_files(named))


async def _history(settings: InfraSettings) -> RegistryHistory:
    await check_connection(kafka_connection(settings), must_answer=True)
    return await read_history(librdkafka_connection(settings), keys=settings.registry_keys)
