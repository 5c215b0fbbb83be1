"""Timed pauses of partitions in Faust's consumer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from faust.types import TP

from streams.bad_input.bad_input_pace import Partition

log = logging.getLogger(__name__)


class PartitionPauses:
    """Pauses partitions of one consumer; without effect before `use`."""

    def __init__(self) -> None:
        self._consumer: Any = None

    def use(self, consumer: Any) -> None:
        """Set the Faust consumer whose partitions are paused."""
        self._consumer = consumer

    def pause(self, partition: Partition, seconds: float) -> None:
        """Pause a partition for this long; fetched records are still delivered."""
        place = TP(*partition)
        if self._consumer is None or place not in self._consumer.assignment():
            return
        log.warning(
            "%s:%d is paused for %.1f s: most of its records are unreadable", *partition, seconds
        )
        self._consumer.pause_partitions([place])
        asyncio.get_running_loop().call_later(seconds, self._resume, place)

    def _resume(self, place: TP) -> None:
        # A partition that was revoked meanwhile must not become active again.
        if place in self._consumer.assignment():
            self._consumer.resume_partitions([place])
