"""Live registry of a worker: read to its end before startup completes, then hot-reloaded.

A new pointer takes effect between two messages, when everything that it names is available and
valid. Otherwise the latest valid version stays in use and an alert is raised.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from core.kafka.standalone.bounded_reading import read_from_begin
from core.kafka.standalone.librdkafka_consumer import standalone
from core.registry_signature import RegistryKeys, UnsignedRecordError
from schemas.errors import RegistryError
from streams.registry.api_keys import ApiKey
from streams.registry.history import (
    CURRENT_KEY,
    RegistryHistory,
    RegistryRecord,
    read_pointer,
)
from streams.registry.registry_topic import record_of, registry_partition
from streams.routing.snapshot import RegistrySnapshot

log = logging.getLogger(__name__)

_WAIT_MS = 500
_TOPIC = "topic"

OnInvalid = Callable[[str, str], Awaitable[None]]
"""Called with the version (or `topic`) and its fault."""

OnUnsigned = Callable[[UnsignedRecordError], Awaitable[None]]
"""Called for each rejected record; at startup, for those that are the latest of their key."""


async def _ignore_unsigned(error: UnsignedRecordError) -> None:
    """Ignore the error: without keys no record is unsigned."""


class LiveRegistry:
    """The current snapshot, kept up to date. With keys, from signed records only."""

    def __init__(
        self,
        tiers: tuple[str, ...],
        on_invalid: OnInvalid,
        *,
        keys: RegistryKeys | None = None,
        on_unsigned: OnUnsigned = _ignore_unsigned,
    ) -> None:
        self._tiers = tiers
        self._on_invalid = on_invalid
        self._on_unsigned = on_unsigned
        self._history = RegistryHistory(keys)
        self._unused: dict[bytes, RegistryError] = {}
        self._snapshot: RegistrySnapshot | None = None
        self._loaded = asyncio.Event()
        self.changed = asyncio.Event()
        """Set whenever a pointer was followed or rejected; the waiter clears it."""
        self.refused: tuple[str, str] | None = None
        """The current version and its fault, if it was rejected."""

    @property
    def snapshot(self) -> RegistrySnapshot:
        """Return the snapshot in use.

        Raises:
            RegistryError: no version is loaded yet; await `loaded` first.
        """
        if self._snapshot is None:
            raise RegistryError(
                "no registry version is current; publish one: sluice registry apply"
            )
        return self._snapshot

    @property
    def version(self) -> str | None:
        """Return the hash of the version in use; `None` before the first."""
        return None if self._snapshot is None else self._snapshot.version

    def api_key(self, digest: str) -> ApiKey | None:
        """Return the API key with this hash; `None` if there is none, or it is revoked."""
        return self._history.api_keys.get(digest)

    async def loaded(self) -> None:
        """Wait for the first valid version."""
        await self._loaded.wait()

    async def take(self, record: RegistryRecord) -> None:
        """Apply a record of the topic, and use the version that it makes current."""
        subject = _TOPIC
        try:
            if self._history.take(record):
                subject = self._history.current.version if self._history.current else _TOPIC
                await self._use_current()
        except UnsignedRecordError as error:
            if record.key == CURRENT_KEY and record.value is not None:
                self._refuse(_version_named(record.value), str(error))
            await self._on_unsigned(error)
        except RegistryError as error:
            self._refuse(subject, str(error))
            log.error("rejected a registry record, keeping the current version: %s", error)  # noqa: TRY400
            await self._on_invalid(subject, str(error))

    def use(self, snapshot: RegistrySnapshot) -> None:
        """Use this version from now on.

        Raises:
            RegistryError: its tiers differ from those whose topics this worker reads.
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
            # A large version takes seconds to validate, and a worker has calls in flight.
            version = await asyncio.to_thread(self._history.version, pointer.version)
            self.use(version.snapshot)
            log.info("using registry version %s", pointer.version)

    async def follow(self, librdkafka: Mapping[str, Any]) -> None:
        """Read the topic from its beginning and follow it, until cancelled.

        The topic's content at startup is applied in whole before any pointer is followed, so a
        worker never uses a version that has been replaced. Raises as `StandaloneConsumer`.
        """
        async with standalone(librdkafka, wait_ms=_WAIT_MS) as consumer:
            async for records in read_from_begin(consumer, [registry_partition()]):
                for record in records:
                    await self.take_in(record_of(record))
            await self.use_latest_valid()
            while True:
                for record in await consumer.read():
                    await self.take(record_of(record))

    async def take_in(self, record: RegistryRecord) -> None:
        """Apply a record without using the version that it makes current, and without reporting
        faults: a later record of its key may have replaced it.
        """
        try:
            self._history.take(record)
        except RegistryError as error:
            if record.key in self._history.bad:
                self._unused[record.key] = error
        else:
            self._unused.pop(record.key, None)

    async def use_latest_valid(self) -> None:
        """Use the newest usable version that was current. Report each key whose latest record is
        unusable.
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
                "records rejected); waiting for a signed version, see: sluice registry sign",
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
                log.info("using registry version %s", pointer.version)
                break
        if first is not None:
            self._refuse(*first)


def _version_named(pointer: bytes) -> str:
    """Return the version named by an untrusted pointer, for operators."""
    try:
        return read_pointer(pointer)[0]
    except RegistryError:
        return _TOPIC
