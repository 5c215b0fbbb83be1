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

from schemas.errors import RegistryError
from schemas.kafka_consumer import open_consumer
from schemas.topics import REGISTRY
from streams.registry.topic import RegistryHistory
from streams.routing.landscape import Landscape

log = logging.getLogger(__name__)

_POLL_MS = 500
_TOPIC = "topic"

OnInvalid = Callable[[str, str], Awaitable[None]]
"""Told the version (or `topic`) and what is wrong with it."""


class LiveRegistry:
    """The current landscape, kept current."""

    def __init__(self, tiers: tuple[str, ...], on_invalid: OnInvalid) -> None:
        self._tiers = tiers
        self._on_invalid = on_invalid
        self._history = RegistryHistory()
        self._landscape: Landscape | None = None
        self._loaded = asyncio.Event()
        self.changed = asyncio.Event()
        """Set whenever a pointer was followed or refused; who waits for it clears it."""
        self.refused: tuple[str, str] | None = None
        """The current version and what is wrong with it, where it was not taken up."""

    @property
    def landscape(self) -> Landscape:
        """The version that counts now.

        Raises:
            RegistryError: none was loaded yet; wait for `loaded` first.
        """
        if self._landscape is None:
            raise RegistryError(
                "no registry version is current; publish one: sluice registry apply"
            )
        return self._landscape

    @property
    def version(self) -> str | None:
        """Hash of the version in use; `None` before the first."""
        return None if self._landscape is None else self._landscape.version

    async def loaded(self) -> None:
        """Wait for the first valid version."""
        await self._loaded.wait()

    async def take(self, key: bytes, value: bytes | None, at: int) -> None:
        """Take a record of the topic in, and use what it makes current."""
        whose = _TOPIC
        try:
            if self._history.take(key, value, at):
                whose = self._history.current.version if self._history.current else _TOPIC
                self._use_current()
        except RegistryError as error:
            self._refuse(whose, str(error))
            log.error("keeping the registry that is in use: %s", error)  # noqa: TRY400
            await self._on_invalid(whose, str(error))

    def use(self, landscape: Landscape) -> None:
        """Decide by this version from now on.

        Raises:
            RegistryError: its tiers are not the ones whose topics this worker reads.
        """
        if landscape.tiers != self._tiers:
            raise RegistryError(
                f"version {landscape.version} has tiers {', '.join(landscape.tiers)}, this worker "
                f"reads {', '.join(self._tiers)}: create their topics, set SLUICE_TIERS, restart"
            )
        self._landscape = landscape
        self.refused = None
        self._loaded.set()
        self.changed.set()

    def _refuse(self, version: str, problem: str) -> None:
        self.refused = (version, problem)
        self.changed.set()

    def _use_current(self) -> None:
        pointer = self._history.current
        if pointer is not None:
            self.use(self._history.version(pointer.version).landscape)
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
                for record in batches.get(place, ()):
                    await self.take(record.key or b"", record.value, record.timestamp)
        finally:
            await consumer.stop()

    async def _catch_up(self, consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> None:
        while await consumer.position(place) < end:
            batches = await consumer.getmany(timeout_ms=_POLL_MS)
            for record in batches.get(place, ()):
                try:
                    self._history.take(record.key or b"", record.value, record.timestamp)
                except RegistryError as error:
                    await self._on_invalid(_TOPIC, str(error))
        await self._latest_valid()

    async def _latest_valid(self) -> None:
        first: tuple[str, str] | None = None
        for pointer in reversed(self._history.pointers):
            try:
                self.use(self._history.version(pointer.version).landscape)
            except RegistryError as error:
                first = first or (pointer.version, str(error))
                await self._on_invalid(pointer.version, str(error))
            else:
                log.info("registry %s is in use", pointer.version)
                break
        if first is not None:
            self._refuse(*first)
