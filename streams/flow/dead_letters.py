"""Dead letters: what can't be read or handled goes aside untouched, and a broken deployment stops.

A caller may have packed a record so well that, unpacked, it is larger than any topic takes; of such
a one the beginning is kept, for its size must not stop a worker.

The limit tells one bad sender from a worker that can't read anything: when most of the recent
messages of a topic are dead letters, the worker stops, with nothing more drained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from schemas.bad_records import BadRecord, dead_letter_headers
from schemas.errors import RecordTooLargeError, SluiceError
from schemas.journal_headers import Headers
from schemas.topics import dead_letter_topic
from streams.flow.delivery import Delivered, Outgoing, Publisher, size_of
from streams.flow.incoming import Incoming

KEPT_VALUE_BYTES = 512 * 1024
KEPT_KEY_BYTES = 4 * 1024
"""What is kept of a record that is too large for its dead-letter topic."""

CUT = "dlq-cut"
"""Header of a dead letter of which only the beginning was kept: bytes of the whole record."""


class DeadLetterLimitError(SluiceError):
    """Most of the recent messages of a topic can't be read: the worker stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterLimit:
    """Stop when of the last `window` messages of a topic more than `share` (0..1) were bad."""

    window: int = 1_000
    share: float = 0.5


class DeadLetters:
    """Sends messages aside and watches how many they are; `counted` hears of each."""

    def __init__(
        self,
        publisher: Publisher,
        worker: str,
        limit: DeadLetterLimit,
        counted: Callable[[str, str], None] = lambda topic, cause: None,
    ) -> None:
        self._publisher = publisher
        self._worker = worker
        self._limit = limit
        self._counted = counted
        self._recent: dict[str, deque[bool]] = {}

    def passed(self, topic: str) -> None:
        """A message of this topic was read."""
        self._seen(topic, bad=False)

    async def put(
        self, message: Incoming, cause: str, reason: str, *, was_read: bool = False
    ) -> Awaitable[Delivered]:
        """Send a message to its dead-letter topic, key, value and headers untouched unless they are
        too large for it. `was_read` says that it was counted as read before its handling failed.

        Raises:
            DeadLetterLimitError: too many were bad; this one was not sent.
        """
        recent = self._seen(message.topic, bad=True)
        if was_read and False in recent:
            recent.remove(False)
        count = sum(recent)
        if len(recent) == self._limit.window and count > self._limit.share * self._limit.window:
            raise DeadLetterLimitError(
                f"{count} of the last {len(recent)} messages of {message.topic} could not be read "
                f"or handled (the last: {reason}). Nothing more was taken from it. Mend the sender "
                "or the codec settings, or raise SLUICE_DEAD_LETTER_SHARE, and start again."
            )
        self._counted(message.topic, cause)
        bad = BadRecord(
            topic=message.topic, partition=message.partition, offset=message.offset, reason=reason
        )
        about = dead_letter_headers(bad, cause=cause, worker=self._worker)
        whole = Outgoing(
            topic=dead_letter_topic(message.topic),
            key=message.key,
            value=message.value,
            headers=[*message.headers, *about],
        )
        try:
            return await self._publisher.publish(whole)
        except RecordTooLargeError:
            return await self._publisher.publish(_beginning(whole, about))

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
