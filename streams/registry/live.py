"""The registry that a worker decides by: read to its end before work opens, then hot.

The pointer takes effect between two messages, when all that it names is there and valid;
otherwise the latest valid version stays and an alert is raised.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from core.kafka.consumer import open_consumer
from core.registry_signature import RegistryKeys, UnsignedRecordError
from schemas.errors import RegistryError
from schemas.topics import REGISTRY
from streams.registry.history import (
    CURRENT_KEY,
    RegistryHistory,
    RegistryRecord,
    read_pointer,
)
from streams.registry.registry_topic import record_of
from streams.routing.snapshot import RegistrySnapshot

log = logging.getLogger(__name__)

_POLL_MS = 500
_TOPIC = "topic"

OnInvalid = Callable[[str, str], Awaitable[None]]
"""Told the version (or `topic`) and what is wrong with it."""

OnUnsigned = Callable[[UnsignedRecordError], Awaitable[None]]
"""Told of each record that is not believed; at a start, of those that are the latest of their key.
"""


async def _tell_nobody(error: UnsignedRecordError) -> None:
    """Without keys no record is unsigned."""


class LiveRegistry:
    """The current snapshot, kept current. With keys, by signed records only."""

    def __init__(
        self,
        tiers: tuple[str, ...],
        on_invalid: OnInvalid,
        *,
        keys: RegistryKeys | None = None,
        on_unsigned: OnUnsigned = _tell_nobody,
    ) -> None:
        self._tiers = tiers
        self._on_invalid = on_invalid
        self._on_unsigned = on_unsigned
        self._history = RegistryHistory(keys)
        self._unused: dict[bytes, RegistryError] = {}
        self._snapshot: RegistrySnapshot | None = None
        self._loaded = asyncio.Event()
        self.changed = asyncio.Event()
        """Set whenever a pointer was followed or refused; who waits for it clears it."""
        self.refused: tuple[str, str] | None = None
        """The current version and what is wrong with it, where it was not taken up."""

    @property
    def snapshot(self) -> RegistrySnapshot:
        """The version that counts now.

        Raises:
            RegistryError: none was loaded yet; wait for `loaded` first.
        """
        if self._snapshot is None:
            raise RegistryError(
                "no registry version is current; publish one: sluice registry apply"
            )
        return self._snapshot

    @property
    def version(self) -> str | None:
        """Hash of the version in use; `None` before the first."""
        return None if self._snapshot is None else self._snapshot.version

    async def loaded(self) -> None:
        """Wait for the first valid version."""
        await self._loaded.wait()

    async def take(self, record: RegistryRecord) -> None:
        """Take a record of the topic in, and use what it makes current."""
        whose = _TOPIC
        try:
            if self._history.take(record):
                whose = self._history.current.version if self._history.current else _TOPIC
                await self._use_current()
        except UnsignedRecordError as error:
            if record.key == CURRENT_KEY and record.value is not None:
                self._refuse(_version_named(record.value), str(error))
            await self._on_unsigned(error)
        except RegistryError as error:
            self._refuse(whose, str(error))
            log.error("keeping the registry that is in use: %s", error)  # noqa: TRY400
            await self._on_invalid(whose, str(error))

    def use(self, snapshot: RegistrySnapshot) -> None:
        """Decide by this version from now on.

        Raises:
            RegistryError: its tiers are not the ones whose topics this worker reads.
        """
        if snapshot.tiers != self._tiers:
            raise RegistryError(
                f"version {snapshot.version} has tiers {', '.join(snapshot.tiers)}, this worker "
                f"reads {', '.join(self._tiers)}: create their topics, set SLUICE_TIERS, restart"
            )
        self._snapshot = snapshot
        self.refused = None
        self._loaded.set()
        self.changed.set()

    def _refuse(self, version: str, problem: str) -> None:
        self.refused = (version, problem)
        self.changed.set()

    async def _use_current(self) -> None:
        pointer = self._history.current
        if pointer is not None:
            # A large version takes seconds to check, and a worker has calls in flight.
            version = await asyncio.to_thread(self._history.version, pointer.version)
            self.use(version.snapshot)
            log.info("registry %s is in use", pointer.version)

    async def follow(self, kafka: Mapping[str, Any]) -> None:
        """Read the topic from its beginning and stay on it, until cancelled.

        What the topic held at the start is taken in whole before any pointer is followed, so that
        a worker never decides by a version that was replaced long ago.
        """
        place = TopicPartition(REGISTRY, 0)
        consumer = open_consumer(**kafka, enable_auto_commit=False, fetch_max_wait_ms=_POLL_MS)
        await consumer.start()
        try:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            await self._catch_up(consumer, place, end)
            while True:
                batches = await consumer.getmany(timeout_ms=_POLL_MS)
                for record in map(record_of, batches.get(place, ())):
                    await self.take(record)
        finally:
            await consumer.stop()

    async def _catch_up(self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> None:
        while await consumer.position(place) < end:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for record in map(record_of, batches.get(place, ())):
                await self.take_in(record)
        await self.use_latest_valid()

    async def take_in(self, record: RegistryRecord) -> None:
        """Take a record in without using what it makes current, nor telling of what is wrong with
        it: a later record of its key may have replaced it long ago.
        """
        try:
            self._history.take(record)
        except RegistryError as error:
            if record.key in self._history.bad:
                self._unused[record.key] = error
        else:
            self._unused.pop(record.key, None)

    async def use_latest_valid(self) -> None:
        """Use the newest version that was current and is usable. Tells of each key whose latest
        record can't be used.
        """
        unused, self._unused = self._unused, {}
        for error in unused.values():
            if isinstance(error, UnsignedRecordError):
                await self._on_unsigned(error)
            else:
                await self._on_invalid(_TOPIC, str(error))
        if self._history.current is None and self._history.refused:
            log.error(
                "no version on the registry topic is signed by a key of SLUICE_REGISTRY_KEY (%d "
                "records are refused); waiting for one: sluice registry sign",
                self._history.refused,
            )
        first: tuple[str, str] | None = None
        for pointer in reversed(self._history.pointers):
            try:
                self.use(self._history.version(pointer.version).snapshot)
            except RegistryError as error:
                first = first or (pointer.version, str(error))
                await self._on_invalid(pointer.version, str(error))
            else:
                log.info("registry %s is in use", pointer.version)
                break
        if first is not None:
            self._refuse(*first)


def _version_named(pointer: bytes) -> str:
    """The version that a pointer names which is not believed: for operators to see."""
    try:
        return read_pointer(pointer)[0]
    except RegistryError:
        return _TOPIC
