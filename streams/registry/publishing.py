"""Publishing on the registry topic: the content of a pointer is written before the pointer.

With keys, every record is signed for its expected offset. If another writer appends first, the
record has another offset, readers reject it, and it is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from core.registry_signature import RegistryKeys
from schemas.errors import RegistryError
from streams.registry.history import ARTIFACT_PREFIX, CURRENT_KEY, VERSION_PREFIX
from streams.registry.registry_topic import RegistryLog, registry_log
from streams.registry.repair import Repair
from streams.registry.signing import SigningPlan
from streams.registry.version import RegistryVersion
from streams.routing.learned.artifact import Artifact, pack_artifact

MOST_TRIES = 20
"""Maximum number of attempts to write a record at its expected offset."""


class RegistryWriter:
    """Writes records, signed if there are keys."""

    def __init__(self, log: RegistryLog, keys: RegistryKeys | None = None) -> None:
        self._log = log
        self._keys = keys
        self._next: int | None = None

    async def put(self, key: bytes, value: bytes | None) -> None:
        """Write a record; a value of `None` removes its key.

        Raises:
            RegistryError: other writers append all the time, so no record has the offset it was
                signed for.
            KafkaError: the broker rejects it.
        """
        if self._keys is None:
            await self._log.append(key, value, [])
            return
        for _ in range(MOST_TRIES):
            expected = await self._log.end() if self._next is None else self._next
            offset = await self._log.append(key, value, self._keys.sign(key, value, expected))
            self._next = offset + 1 if offset >= 0 else None
            if offset == expected:
                return
        raise RegistryError(
            f"{MOST_TRIES} attempts to write a signed record failed: other writers appended first; "
            "find the writers of the registry topic, then retry"
        )

    async def point(self, digest: str, by: str, before: Sequence[str] | None) -> None:
        """Move the pointer; `before` are the previous versions, read from the log if absent.

        Raises as `put`.
        """
        pointer: dict[str, Any] = {"registry": digest, "by": by}
        if before is not None:
            pointer["before"] = list(before)
        await self.put(CURRENT_KEY, orjson.dumps(pointer))


def records_of(version: RegistryVersion) -> Iterator[tuple[bytes, bytes]]:
    """Yield the records that must be on the topic before the pointer may name this version."""
    for artifact in artifacts_of(version):
        yield _record_of(artifact)
    yield VERSION_PREFIX + version.hash.encode(), version.content


def artifacts_of(version: RegistryVersion) -> Iterable[Artifact]:
    """Return every artifact that a version, or an arm of it, uses, each once."""
    snapshot = version.snapshot
    arms = [arm.snapshot for each in snapshot.experiments for arm in each.arms]
    found = [each.artifact for each in (snapshot, *arms) if each.artifact is not None]
    return {artifact.hash: artifact for artifact in found}.values()


def _record_of(artifact: Artifact) -> tuple[bytes, bytes]:
    return ARTIFACT_PREFIX + artifact.hash.encode(), pack_artifact(artifact)


async def publish_version(
    kafka: Mapping[str, Any],
    version: RegistryVersion,
    *,
    by: str,
    before: Sequence[str] | None = None,
    keys: RegistryKeys | None = None,
) -> None:
    """Publish a version, then point to it. Raises as `RegistryWriter.put`."""
    async with registry_log(kafka) as log:
        writer = RegistryWriter(log, keys)
        for key, value in records_of(version):
            await writer.put(key, value)
        await writer.point(version.hash, by, before)


async def publish_artifact(
    kafka: Mapping[str, Any], artifact: Artifact, *, keys: RegistryKeys | None = None
) -> None:
    """Publish an artifact for use by registry versions. Raises as `RegistryWriter.put`."""
    async with registry_log(kafka) as log:
        await RegistryWriter(log, keys).put(*_record_of(artifact))


async def move_pointer(
    kafka: Mapping[str, Any],
    digest: str,
    *,
    by: str,
    before: Sequence[str] | None = None,
    keys: RegistryKeys | None = None,
) -> None:
    """Point to a version that is already on the topic. Raises as `RegistryWriter.put`."""
    async with registry_log(kafka) as log:
        await RegistryWriter(log, keys).point(digest, by, before)


async def publish_repair(
    kafka: Mapping[str, Any], repair: Repair, *, by: str, keys: RegistryKeys | None = None
) -> None:
    """Write a repair of the topic. Raises as `RegistryWriter.put`."""
    async with registry_log(kafka) as log:
        writer = RegistryWriter(log, keys)
        for key, value in repair.restored:
            await writer.put(key, value)
        for key in repair.tombstones:
            await writer.put(key, None)
        if repair.pointer is not None:
            await writer.point(repair.pointer[0], by, repair.pointer[1])


async def publish_signed(
    kafka: Mapping[str, Any], plan: SigningPlan, *, by: str, keys: RegistryKeys
) -> None:
    """Write the records that the first key has not signed. Raises as `RegistryWriter.put`."""
    async with registry_log(kafka) as log:
        writer = RegistryWriter(log, keys)
        for key, value in plan.records:
            await writer.put(key, value)
        if plan.pointer is not None:
            await writer.point(plan.pointer[0], by, plan.pointer[1])
