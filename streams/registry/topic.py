"""The registry on its topic: versions under their hash, and a pointer to the current one.

`registry/<hash>` holds a version's canonical JSON; `current` names a hash, who moved the pointer,
when, and the versions before it, so that compaction does not take the way back. What the pointer
names is published before the pointer, so that who sees the pointer can have what it names.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition

from schemas.errors import RegistryError, SluiceError
from schemas.kafka_consumer import open_consumer
from schemas.topics import REGISTRY
from streams.registry.artifacts import ArtifactSource
from streams.registry.learned import ArtifactOf
from streams.registry.version import RegistryVersion, parse_registry
from streams.routing.learned.artifact import MAX_BYTES, Artifact, pack_artifact

CURRENT_KEY = b"current"
VERSION_PREFIX = b"registry/"
ARTIFACT_PREFIX = b"artifact/"
_LONGEST_NAME = 256
_DIGEST = re.compile(rb"[0-9a-f]{16}")
MOST_BEFORE = 100
"""How many rollbacks a pointer remembers."""

_POLL_MS = 200
_MAX_REQUEST = MAX_BYTES + 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which version is current; `at` is broker time, ms. Rollbacks go through `before` from its end
    to its beginning.
    """

    version: str
    by: str
    at: int
    before: tuple[str, ...] = ()

    def applied(self) -> tuple[str, ...]:
        """What lies before the version that is applied on top of this one."""
        return (*self.before, self.version)[-MOST_BEFORE:]

    def taken_back(self, version: str) -> tuple[str, ...]:
        """What lies before `version` once it is current again; one that never was is applied."""
        if version == self.version:
            return self.before
        if version in self.before:
            return self.before[: len(self.before) - 1 - self.before[::-1].index(version)]
        return self.applied()


class RegistryHistory:
    """All that the registry topic says, in its order."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.artifacts: dict[str, bytes] = {}
        self.pointers: list[Pointer] = []
        self.artifact: ArtifactOf = ArtifactSource(published=lambda: self.artifacts)
        self.bad: dict[bytes, str] = {}
        """Keys whose latest record can't be used, and why."""

    @property
    def current(self) -> Pointer | None:
        """The pointer as it stands."""
        return self.pointers[-1] if self.pointers else None

    def take(self, key: bytes, value: bytes | None, at: int) -> bool:
        """Take a record in; whether the pointer moved. A tombstone takes a version or an artifact
        out, and mends a bad record of its key.

        Raises:
            RegistryError: the record is malformed; nothing was taken, `bad` names its key.
        """
        self.bad.pop(key, None)
        if value is None:
            self._take_out(key)
            return False
        try:
            return self._take(key, value, at)
        except RegistryError as error:
            self.bad[key] = str(error)
            raise

    def _take_out(self, key: bytes) -> None:
        for prefix, values in ((VERSION_PREFIX, self.contents), (ARTIFACT_PREFIX, self.artifacts)):
            if key.startswith(prefix):
                values.pop(key.removeprefix(prefix).decode(errors="replace"), None)

    def _take(self, key: bytes, value: bytes, at: int) -> bool:
        for prefix, values in ((VERSION_PREFIX, self.contents), (ARTIFACT_PREFIX, self.artifacts)):
            if key.startswith(prefix):
                digest = key.removeprefix(prefix)
                if not _DIGEST.fullmatch(digest):
                    raise RegistryError("a key on the registry topic names no hash")
                values[digest.decode()] = value
                return False
        if key != CURRENT_KEY:
            if not key.isascii():
                raise RegistryError("a key on the registry topic is not ASCII")
            return False
        version, by, given = _read_pointer(value)
        before = () if self.current is None else self.current.taken_back(version)
        self.pointers.append(
            Pointer(version=version, by=by, at=at, before=before if given is None else given)
        )
        return True

    def version(self, digest: str) -> RegistryVersion:
        """A version by its hash.

        Raises:
            RegistryError: it is not on the topic, does not validate, or has another content.
        """
        content = self.contents.get(digest)
        if content is None:
            raise RegistryError(
                f"registry version {digest} is not on the topic; `sluice registry show --all` "
                "lists those that are"
            )
        name = f"registry version {digest}"
        try:
            version = parse_registry(content, name=name, artifacts=self.artifact)
        except SluiceError as error:
            raise error if isinstance(error, RegistryError) else RegistryError(str(error)) from None
        except Exception as error:  # noqa: BLE001 - no content may end its reader
            raise RegistryError(f"{name} can't be read: {type(error).__name__}") from None
        if version.hash != digest:
            raise RegistryError(f"registry version {digest} holds another content: {version.hash}")
        return version


def _read_pointer(value: bytes) -> tuple[str, str, tuple[str, ...] | None]:
    """Version, mover and way back of a pointer; the way back is `None` where it does not say.

    Raises:
        RegistryError: it is malformed.
    """
    try:
        pointer = orjson.loads(value)
    except orjson.JSONDecodeError:
        pointer = None
    if not isinstance(pointer, dict):
        raise RegistryError("the pointer on the registry topic is malformed")
    version, by, before = (pointer.get(name) for name in ("registry", "by", "before"))
    if not isinstance(version, str) or not 0 < len(version) <= _LONGEST_NAME:
        raise RegistryError("the pointer on the registry topic names no version")
    if not isinstance(by, str) or len(by) > _LONGEST_NAME:
        raise RegistryError("the pointer on the registry topic does not say who moved it")
    if not isinstance(before, list):
        return version, by, None
    return version, by, tuple(str(each) for each in before[-MOST_BEFORE:])


def records_of(version: RegistryVersion) -> Iterator[tuple[bytes, bytes]]:
    """What must be on the topic before the pointer may name this version."""
    for artifact in artifacts_of(version):
        yield _record_of(artifact)
    yield VERSION_PREFIX + version.hash.encode(), version.content


def artifacts_of(version: RegistryVersion) -> Iterable[Artifact]:
    """Every artifact that a version, or an arm of it, decides by, each once."""
    landscape = version.landscape
    arms = [arm.landscape for each in landscape.experiments for arm in each.arms]
    found = [each.artifact for each in (landscape, *arms) if each.artifact is not None]
    return {artifact.hash: artifact for artifact in found}.values()


def _record_of(artifact: Artifact) -> tuple[bytes, bytes]:
    return ARTIFACT_PREFIX + artifact.hash.encode(), pack_artifact(artifact)


async def publish_version(
    kafka: Mapping[str, Any],
    version: RegistryVersion,
    *,
    by: str,
    before: Sequence[str] | None = None,
) -> None:
    """Publish a version, then point to it; `before` is the way back, read off the log if absent."""
    async with _producer(kafka) as producer:
        for key, value in records_of(version):
            await producer.send_and_wait(REGISTRY, key=key, value=value, partition=0)
        await _point(producer, version.hash, by, before)


async def publish_artifact(kafka: Mapping[str, Any], artifact: Artifact) -> None:
    """Publish an artifact, for registry versions to name."""
    async with _producer(kafka) as producer:
        key, value = _record_of(artifact)
        await producer.send_and_wait(REGISTRY, key=key, value=value, partition=0)


async def move_pointer(
    kafka: Mapping[str, Any], digest: str, *, by: str, before: Sequence[str] | None = None
) -> None:
    """Point to a version that is on the topic already; `before` as for `publish_version`."""
    async with _producer(kafka) as producer:
        await _point(producer, digest, by, before)


async def publish_repair(
    kafka: Mapping[str, Any],
    tombstones: Sequence[bytes],
    pointer: tuple[str, Sequence[str]] | None,
    *,
    by: str,
) -> None:
    """Take records out by tombstones, then move the pointer to a version with its way back."""
    async with _producer(kafka) as producer:
        for key in tombstones:
            await producer.send_and_wait(REGISTRY, key=key, value=None, partition=0)
        if pointer is not None:
            await _point(producer, pointer[0], by, pointer[1])


@asynccontextmanager
async def _producer(kafka: Mapping[str, Any]) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        **kafka, acks="all", enable_idempotence=True, max_request_size=_MAX_REQUEST
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _point(
    producer: AIOKafkaProducer, digest: str, by: str, before: Sequence[str] | None
) -> None:
    said: dict[str, Any] = {"registry": digest, "by": by}
    if before is not None:
        said["before"] = list(before)
    value = orjson.dumps(said)
    await producer.send_and_wait(REGISTRY, key=CURRENT_KEY, value=value, partition=0)


async def read_history(kafka: Mapping[str, Any]) -> RegistryHistory:
    """Read the registry topic to its end; records that can't be used are among its `bad`."""
    place = TopicPartition(REGISTRY, 0)
    consumer = open_consumer(**kafka, enable_auto_commit=False, fetch_max_wait_ms=_POLL_MS)
    history = RegistryHistory()
    await consumer.start()
    try:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        while await consumer.position(place) < end:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for record in batches.get(place, ()):
                with suppress(RegistryError):
                    history.take(record.key or b"", record.value, record.timestamp)
        return history
    finally:
        await consumer.stop()
