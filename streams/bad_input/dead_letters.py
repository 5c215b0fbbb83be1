"""Dead letters: unreadable or unhandled messages are set aside unchanged, and no sender can stop a
worker.

A compressed record can be larger than any topic accepts once it is unpacked. Only its beginning is
kept.

The limit separates a bad sender from a worker that can read nothing. When most of the recent
messages of a topic are dead letters, an alert is raised and the topic is read on. If the worker has
read nothing at all since its start, on any topic, its settings are wrong, and it stops before it
drains more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from core.alert_port import Alerts
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Delivered, Outgoing, Publisher, size_of
from schemas.alert_names import AlertName
from schemas.bad_records import LONGEST_REASON, BadRecord, dead_letter_headers, kept_value
from schemas.errors import RecordTooLargeError, SluiceError
from schemas.journal_headers import Headers
from schemas.topics import dead_letter_topic
from streams.bad_input.bad_input_pace import BadInputPace

KEPT_VALUE_BYTES = 512 * 1024
KEPT_KEY_BYTES = 4 * 1024
"""Bytes kept of a record that is too large for its dead-letter topic."""

CUT = "dlq-cut"
"""Header of a dead letter that is cut: the size of the whole record, bytes."""


class DeadLetterLimitError(SluiceError):
    """No message was readable since the start; the worker stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterLimit:
    """The limit: more than `share` (0..1) of the last `window` messages of a topic."""

    window: int = 1_000
    share: float = 0.5


class DeadLetters:
    """Sends messages to dead-letter topics and watches their share. `counted` receives each one;
    `pace` slows the partitions that they come from.
    """

    def __init__(
        self,
        publisher: Publisher,
        worker: str,
        limit: DeadLetterLimit,
        counted: Callable[[str, str], None] = lambda topic, cause: None,
        *,
        alerts: Alerts | None = None,
        pace: BadInputPace | None = None,
    ) -> None:
        self._alerts = alerts
        self._pace = pace
        self._has_read = False
        self._publisher = publisher
        self._worker = worker
        self._limit = limit
        self._counted = counted
        self._recent: dict[str, deque[bool]] = {}

    def passed(self, message: Incoming) -> None:
        """Record that a message was read."""
        self._has_read = True
        self._seen(message.topic, bad=False)
        if self._pace is not None:
            self._pace.good((message.topic, message.partition))

    async def put(
        self, message: Incoming, cause: str, reason: str, *, was_read: bool = False
    ) -> Awaitable[Delivered]:
        """Send a message to its dead-letter topic, key, value and headers unchanged unless they are
        too large for it. `was_read` says that it was counted as read before its handling failed.

        Raises:
            DeadLetterLimitError: too many were bad and none was read since the start; this one was
                not sent.
        """
        recent = self._seen(message.topic, bad=True)
        if was_read and False in recent:
            recent.remove(False)
        count = sum(recent)
        if len(recent) == self._limit.window and count > self._limit.share * self._limit.window:
            await self._too_many(message, count, reason[:LONGEST_REASON])
        if self._pace is not None:
            self._pace.bad((message.topic, message.partition))
        self._counted(message.topic, cause)
        bad = BadRecord(
            topic=message.topic, partition=message.partition, offset=message.offset, reason=reason
        )
        about = dead_letter_headers(bad, cause=cause, worker=self._worker)
        whole = Outgoing(
            topic=dead_letter_topic(message.topic),
            key=message.key,
            value=kept_value(message.key, message.value),
            headers=[*message.headers, *about],
        )
        try:
            return await self._publisher.publish(whole)
        except RecordTooLargeError:
            return await self._publisher.publish(_beginning(whole, about))

    async def _too_many(self, message: Incoming, count: int, reason: str) -> None:
        summary = (
            f"{count} of the last {self._limit.window} messages of {message.topic} are unreadable "
            f"or failed (the last: {reason})"
        )
        if not self._has_read:
            raise DeadLetterLimitError(
                f"{summary}, and no message of any topic was readable since the start. The worker "
                "stops. Correct the codec settings or the sender, or raise "
                "SLUICE_DEAD_LETTER_SHARE, then restart."
            )
        if self._alerts is not None:
            await self._alerts.fire(
                AlertName.UNREADABLE_INPUT,
                message.topic,
                f"{summary}. They become dead letters, and processing continues. Find their "
                "sender: the dead-letter topic has their bytes and headers",
            )

    def _seen(self, topic: str, *, bad: bool) -> deque[bool]:
        recent = self._recent.get(topic)
        if recent is None:
            recent = self._recent[topic] = deque(maxlen=self._limit.window)
        recent.append(bad)
        return recent


def _beginning(whole: Outgoing, about: Headers) -> Outgoing:
    return replace(
        whole,
        key=None if whole.key is None else whole.key[:KEPT_KEY_BYTES],
        value=None if whole.value is None else whole.value[:KEPT_VALUE_BYTES],
        headers=[*about, (CUT, b"%d" % size_of(whole))],
    )
