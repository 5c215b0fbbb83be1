"""Watches the topics that a worker reads: what the group has not given out as it is now is given
out again, and readiness knows which request partitions there are.

Three things go unnoticed without it. A topic that was deleted and made again with as many
partitions looks the same to consumers: they go on at the old offset, and everything below it would
be lost. So the ids of topics are compared with those at the assignment. The member that gives out
partitions is the only one that looks for new ones, and stops looking when its process is restarted
under a fixed name: the broker then lets the old assignment stand, and tells the new process that
its predecessor leads (KIP-814). So every member compares what all of them have with what there is.
And what was given out by metadata that was old already stays so until somebody looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from aiokafka.errors import KafkaError

from streams.membership.assigned_topics import RequestTopic
from streams.membership.group_state import GroupStanding
from streams.membership.topic_ids import TopicShape

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Two small requests to the broker."""

SILENT_AFTER_S = 30.0
"""After so long without an answer the broker is said not to answer; elections take less."""

LONGEST_WAIT_S = 60.0
"""Between two attempts to have the same topics given out as they are."""

REBALANCES = "its group is giving out partitions anew"
_NOT_LOOKED = "its request topics are not known yet"


class Group(Protocol):
    """The consumer of the workers' group. Every method may raise `KafkaError`, or an error of the
    driver's own while its thread starts or ends.
    """

    async def shapes(self, topics: Collection[str]) -> Mapping[str, TopicShape] | None:
        """The topics that exist; `None` where the broker tells no ids."""
        ...

    async def standing(self) -> GroupStanding | None:
        """Which partitions the group has given out; `None` while it rebalances."""
        ...

    async def rejoin(self) -> None:
        """Have partitions given out again."""
        ...


class TopologyWatch:
    """Looks at the `topics` of one worker. `topic_id` tells the id that a topic had when its
    partitions were assigned, empty where that is not known; `owned` gives those that are ours;
    `elapsed_s` is any monotonic count of seconds.
    """

    def __init__(
        self,
        group: Callable[[], Group],
        *,
        topics: Callable[[], Collection[str]],
        request_topics: Collection[str],
        topic_id: Callable[[str], str],
        owned: Callable[[str], Collection[int]],
        elapsed_s: Callable[[], float],
    ) -> None:
        self._group = group
        self._topics = topics
        self._request_topics = tuple(request_topics)
        self._topic_id = topic_id
        self._owned = owned
        self._elapsed_s = elapsed_s
        self._look_now = asyncio.Event()
        self._wrong: Mapping[str, int] = {}
        self._wait_s = 0.0
        self._rejoin_at = float("-inf")
        self._may_not_ask = False
        self._fault: str | None = _NOT_LOOKED
        self._answered_at = elapsed_s()
        self.reads_requests = False
        """Whether this worker reads a request partition that there is, by the last look."""

    @property
    def fault(self) -> str | None:
        """Why requests are not taken as they should be, as far as the last look tells."""
        silent_s = self._elapsed_s() - self._answered_at
        if silent_s > SILENT_AFTER_S:
            return f"Kafka has not answered for {silent_s:.0f} s"
        return self._fault

    def assigned(self) -> None:
        """Partitions were given out: what was seen before does not count any more."""
        self._fault, self.reads_requests = _NOT_LOOKED, False
        self._look_now.set()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._look_now.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - it is looked at again; a look ends no worker
                log.debug("the topics are not known now: %s: %s", type(error).__name__, error)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Look once."""
        group, topics = self._group(), self._topics()
        shapes = await group.shapes(topics)
        self._answered_at = self._elapsed_s()
        if shapes is None:
            self._fault, self.reads_requests = None, True
            return
        standing = await self._standing(group)
        seen = {name: self._seen(name, shapes, standing) for name in topics}
        requests = [seen[name] for name in self._request_topics]
        self._fault = next((each.fault for each in requests if each.fault), None)
        self.reads_requests = any(each.is_read for each in requests)
        if standing is None:
            is_idle = not self.reads_requests and not self._may_not_ask
            self._fault = self._fault or (REBALANCES if is_idle else None)
        else:
            await self._mend(group, [each for each in seen.values() if each.is_given_wrongly])

    async def _standing(self, group: Group) -> GroupStanding | None:
        try:
            return await group.standing()
        except KafkaError as error:
            if error.retriable:
                raise
            if not self._may_not_ask:
                log.warning(
                    "what the group gave out is not known, so partitions that are nobody's are not "
                    "noticed: %s; allow Describe on the group, and keep clients that are no "
                    "workers out of it",
                    type(error).__name__,
                )
            self._may_not_ask = True
            return None

    def _seen(
        self, name: str, shapes: Mapping[str, TopicShape], standing: GroupStanding | None
    ) -> RequestTopic:
        shape, assigned_id = shapes.get(name), self._topic_id(name)
        return RequestTopic(
            name=name,
            exists=shape is not None,
            partitions=shape.partitions if shape else 0,
            given=standing.given.get(name, frozenset()) if standing else None,
            owned=tuple(self._owned(name)),
            is_anew=shape is not None and assigned_id not in {"", shape.id},
            members=standing.members if standing else None,
        )

    async def _mend(self, group: Group, topics: Collection[RequestTopic]) -> None:
        """Have the group give out again what it gave out wrongly: at once, then ever more rarely
        while that changes nothing.
        """
        now, wrong = self._elapsed_s(), {each.name: each.partitions for each in topics}
        if wrong != self._wrong:
            self._wrong, self._wait_s, self._rejoin_at = wrong, LOOK_EVERY_S, now
        if not wrong or now < self._rejoin_at:
            return
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self._rejoin_at = now + self._wait_s
        log.warning("not given out as they are, to be given out again: %s", ", ".join(wrong))
        await group.rejoin()
