"""Dead letters: what can't be read goes aside untouched, and a broken deployment stops.

The limit tells one bad sender from a worker that can't read anything: when most of the recent
messages of a topic are dead letters, the worker stops, with nothing more drained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from schemas.errors import SluiceError
from schemas.journal_headers import Headers
from schemas.topics import dead_letter_topic
from streams.flow.delivery import Delivered, Outgoing, Publisher
from streams.flow.incoming import Incoming


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

    async def put(self, message: Incoming, cause: str, reason: str) -> Awaitable[Delivered]:
        """Send a message to its dead-letter topic, key, value and headers untouched.

        Raises:
            DeadLetterLimitError: too many were bad; this one was not sent.
        """
        recent = self._seen(message.topic, bad=True)
        bad = sum(recent)
        if len(recent) == self._limit.window and bad > self._limit.share * self._limit.window:
            raise DeadLetterLimitError(
                f"{bad} of the last {len(recent)} messages of {message.topic} could not be read "
                f"(the last: {reason}). Nothing more was taken from it. Mend the sender or the "
                "codec settings, or raise SLUICE_DEAD_LETTER_SHARE, and start again."
            )
        self._counted(message.topic, cause)
        headers: Headers = [
            *message.headers,
            ("dlq-cause", cause.encode()),
            ("dlq-reason", reason.encode()),
            ("dlq-source", f"{message.topic}:{message.partition}:{message.offset}".encode()),
            ("dlq-worker", self._worker.encode()),
        ]
        return await self._publisher.publish(
            Outgoing(
                topic=dead_letter_topic(message.topic),
                key=message.key,
                value=message.value,
                headers=headers,
            )
        )

    def _seen(self, topic: str, *, bad: bool) -> deque[bool]:
        recent = self._recent.get(topic)
        if recent is None:
            recent = self._recent[topic] = deque(maxlen=self._limit.window)
        recent.append(bad)
        return recent
