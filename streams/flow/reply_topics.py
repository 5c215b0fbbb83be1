"""Reply topics: which are allowed, and which exist.

Both are checked before a model is called, so a refusal costs nothing. Never allowed: Sluice's own
topics other than `llm.replies.*`, `__*`, dead-letter topics.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from schemas.topics import DEAD_LETTER_SUFFIX, GATEWAY_REPLIES, REPLIES

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_OURS = "llm."
_OUR_REPLIES = "llm.replies."


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTopicPolicy:
    """Allowed prefixes, and the tenant that each is bound to; an empty prefix allows any name. The
    longest prefix of a topic counts.
    """

    prefixes: Mapping[str, str | None]

    def allows(self, topic: str, tenant: str | None) -> bool:
        """Return whether a request of a caller's topic may have its reply sent there. `tenant` is
        the tenant that its request topic is bound to; a tenant named by the caller gives no access.
        """
        if topic == REPLIES:
            return True
        if topic == GATEWAY_REPLIES:
            return False
        prefix = self._prefix_of(topic)
        return prefix is not None and self.prefixes[prefix] in {None, tenant}

    def is_open(self, topic: str) -> bool:
        """Return whether any request may have its reply sent there."""
        return topic == REPLIES or (topic != GATEWAY_REPLIES and self._prefix_of(topic) is not None)

    def _prefix_of(self, topic: str) -> str | None:
        if not _TOPIC.fullmatch(topic) or topic.startswith("__"):
            return None
        if topic.endswith(DEAD_LETTER_SUFFIX):
            return None
        if topic.startswith(_OURS) and not topic.startswith(_OUR_REPLIES):
            return None
        return max(filter(topic.startswith, self.prefixes), key=len, default=None)


class TopicDirectory:
    """The broker's topics, cached; refreshed at most once in `pause_s`."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[Collection[str]]],
        elapsed_s: Callable[[], float],
        *,
        pause_s: float = 1.0,
        keep_s: float = 60.0,
    ) -> None:
        self._fetch = fetch
        self._elapsed_s = elapsed_s
        self._pause_s = pause_s
        self._keep_s = keep_s
        self._known: frozenset[str] = frozenset()
        self._read_at = float("-inf")
        self._asking = asyncio.Lock()

    async def has(self, topic: str) -> bool:
        """Return whether a topic exists."""
        if topic in self._known and self._age() < self._keep_s:
            return True
        async with self._asking:
            if self._age() >= (self._keep_s if topic in self._known else self._pause_s):
                self._known = frozenset(await self._fetch())
                self._read_at = self._elapsed_s()
        return topic in self._known

    def _age(self) -> float:
        return self._elapsed_s() - self._read_at
