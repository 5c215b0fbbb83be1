"""Access of the registry commands to files, to the registry topic and to workers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.cli.output.counting import counted
from infra.cli.output.screen import notes
from infra.settings import InfraSettings
from schemas.errors import RegistryError

if TYPE_CHECKING:
    from core.registry_signature import RegistryKeys
    from infra.workers.registry_use import RegistryUse
    from streams.registry.history import Pointer, RegistryHistory
    from streams.registry.version import RegistryVersion


def version_of(pointer: Pointer | None) -> str | None:
    """Return the version that a pointer names."""
    return None if pointer is None else pointer.version


def registry_keys() -> RegistryKeys | None:
    """Return the signature keys of SLUICE_REGISTRY_KEY, if set."""
    return InfraSettings().registry_keys


def checked_kafka() -> dict[str, Any]:
    """Return the Kafka connection after a test of it."""
    from core.kafka.preflight import check_connection
    from infra.devstack.addresses import kafka_connection

    kafka = kafka_connection(InfraSettings())
    asyncio.run(check_connection(kafka, must_answer=True))
    return kafka


def checked_librdkafka() -> dict[str, Any]:
    """Return the Kafka connection of librdkafka after a test of it."""
    from infra.devstack.addresses import librdkafka_connection

    checked_kafka()
    return librdkafka_connection(InfraSettings())


def read_registry() -> RegistryHistory:
    """Read the registry topic, and warn of unusable, unsigned or unverified records."""
    from streams.registry.registry_topic import read_history

    keys = registry_keys()
    history = asyncio.run(read_history(checked_librdkafka(), keys=keys))
    if history.bad:
        notes.print(
            f"{counted(len(history.bad), 'record')} of the registry topic cannot be used; check "
            "and repair: sluice registry repair",
            style="yellow",
        )
    if history.refused and history.current is None:
        notes.print(
            "no pointer on the registry topic is signed by the keys of SLUICE_REGISTRY_KEY; sign "
            "the version that you trust: sluice registry sign VERSION",
            style="yellow",
        )
    if lacks_keys(history):
        notes.print(
            "records of the registry topic are signed, and SLUICE_REGISTRY_KEY is not set here: "
            "nothing is verified, and workers with the key reject what this command writes",
            style="yellow",
        )
    return history


def lacks_keys(history: RegistryHistory) -> bool:
    """Return whether workers with a key reject records written without one."""
    return history.keys is None and history.is_signed


def load_file(
    file: Path, artifacts: tuple[Path, ...], history: RegistryHistory | None = None
) -> RegistryVersion:
    """Return the version that a registry file describes, with its artifacts."""
    from infra.devstack.artifact_source import artifact_source
    from streams.registry.version import load_registry

    return load_registry(file, artifact_source(InfraSettings(), artifacts, history))


def named_version(history: RegistryHistory, version: str | None) -> str:
    """Return the named version, by default the current one."""
    if version is not None:
        return version
    if history.current is None:
        raise RegistryError("no version is current; publish one: sluice registry apply FILE")
    return history.current.version


def content_of(history: RegistryHistory, named: str, artifacts: tuple[Path, ...]) -> dict[str, Any]:
    """Return the content of a version on the topic, or of a file."""
    import orjson

    path = Path(named)
    version = load_file(path, artifacts, history) if path.is_file() else history.version(named)
    content: dict[str, Any] = orjson.loads(version.content)
    return content


def wait_for_workers(version: str) -> RegistryUse:
    """Wait until every worker uses a version, or rejects it."""
    from infra.workers.registry_use import until_used

    with notes.status("waiting for the workers"):
        return asyncio.run(until_used(checked_librdkafka(), version))


def raise_rejections(use: RegistryUse | None) -> None:
    """Fail if a worker kept another version, with its reason."""
    if use is not None and use.refused:
        rejections = "; ".join(f"{worker}: {problem}" for worker, problem in use.refused.items())
        raise RegistryError(f"the version is current, but was rejected by {rejections}")
