"""Reads a topic back on a thread of librdkafka, and hands its records to the loop in batches."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

_WAIT_S = 0.1
_BATCH = 256
_METADATA_S = 30.0


class ReadBack:
    """All partitions of a topic from their ends on; `take` is called on the running loop."""

    def __init__(
        self, settings: Mapping[str, Any], topic: str, take: Callable[[Sequence[bytes]], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._ends = threading.Event()
        self._consumer = Consumer(
            {**settings, "group.id": "none", "enable.auto.commit": False, "log_level": 0}
        )
        known = self._consumer.list_topics(topic, timeout=_METADATA_S).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in known])
        self._thread = threading.Thread(target=self._run, name="read-back")
        self._thread.start()

    async def close(self) -> None:
        """End the thread."""
        self._ends.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._ends.is_set():
            message = self._consumer.poll(_WAIT_S)
            values: list[bytes] = []
            while message is not None and len(values) < _BATCH:
                if message.error() is None:
                    values.append(message.value() or b"")
                message = self._consumer.poll(0)
            if message is not None and message.error() is None:
                values.append(message.value() or b"")
            if values:
                self._loop.call_soon_threadsafe(self._take, values)
        self._consumer.close()
