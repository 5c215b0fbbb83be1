"""Watches a worker's topics: triggers a rebalance when the assignment is outdated, and gives
readiness the existing request partitions.

It covers three cases. A topic that is deleted and recreated with the same number of partitions
looks the same to consumers: they continue at the old offset, and everything below it would be lost.
So topic ids are compared with those at the assignment. Only the group leader looks for new
partitions, and it stops when its process is restarted under a fixed name: the broker then keeps the
old assignment, and tells the new process that its predecessor leads (KIP-814). So every member
compares the group's whole assignment with the topics. And an assignment by outdated metadata stays
until a check.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from aiokafka.errors import KafkaError

from streams.membership.assigned_topics import RequestTopic, work_topic_fault
from streams.membership.group_state import GroupStanding
from streams.membership.topic_ids import TopicShape

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Interval of checks, two small requests to the broker each."""

SILENT_AFTER_S = 30.0
"""Time without a response after which the broker counts as unavailable; elections take less."""

LONGEST_WAIT_S = 60.0
"""Interval between two rebalances for the same cause."""

REBALANCES = "its consumer group is rebalancing"
_NOT_LOOKED = "its request topics are not checked yet"


class Group(Protocol):
    """The consumer of the workers' group. Every method may raise `KafkaError`, or an error of the
    driver while its thread starts or ends.
    """

    async def shapes(self, topics: Collection[str]) -> Mapping[str, TopicShape] | None:
        """Return the existing topics; `None` if the broker has no ids."""
        ...

    async def standing(self) -> GroupStanding | None:
        """Return the group's assignment; `None` while it rebalances."""
        ...

    async def rejoin(self) -> None:
        """Trigger a rebalance."""
        ...


class TopologyWatch:
    """Checks the `topics` of one worker, and those that share a partition count, `work_topics`.
    Each of `request_topics` must exist and be assigned; `reads_requests` counts only those of
    `callers_topics`, so that a topic of Sluice's own does not make up for a missing one.
    `topic_id` returns a topic's id at assignment, empty if it is unknown; `owned` returns the
    assigned partitions; `elapsed_s` is any monotonic clock in seconds.
    """

    def __init__(
        self,
        group: Callable[[], Group],
        *,
        topics: Callable[[], Collection[str]],
        request_topics: Collection[str],
        callers_topics: Collection[str],
        work_topics: Collection[str] = (),
        topic_id: Callable[[str], str],
        owned: Callable[[str], Collection[int]],
        elapsed_s: Callable[[], float],
    ) -> None:
        self._group = group
        self._topics = topics
        self._request_topics = tuple(request_topics)
        self._callers_topics = tuple(callers_topics)
        self._work_topics = tuple(work_topics)
        self._work_fault: str | None = None
        self._topic_id = topic_id
        self._owned = owned
        self._elapsed_s = elapsed_s
        self._look_now = asyncio.Event()
        self._assignments = 0
        self._wrong: Mapping[str, int] = {}
        self._wait_s = 0.0
        self._rejoin_at = float("-inf")
        self._may_not_describe = False
        self._fault: str | None = _NOT_LOOKED
        self._answered_at = elapsed_s()
        self.reads_requests = False
        """Return whether this worker reads an existing request partition, by the last check."""

    @property
    def fault(self) -> str | None:
        """Return why requests are not read correctly, by the last check."""
        silent_s = self._elapsed_s() - self._answered_at
        if silent_s > SILENT_AFTER_S:
            return f"Kafka has not responded for {silent_s:.0f} s"
        return self._fault

    def assigned(self) -> None:
        """Note a new assignment: earlier checks do not count any more."""
        self._fault, self.reads_requests = _NOT_LOOKED, False
        self._assignments += 1
        self._look_now.set()

    async def run(self) -> None:
        """Check until cancelled."""
        while True:
            self._look_now.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - it is looked at again; a look ends no worker
                log.debug("cannot check the topics, retrying: %s: %s", type(error).__name__, error)
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._look_now.wait()
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Check once. The result of a check that an assignment overtakes is discarded."""
        group, topics, assignment = self._group(), self._topics(), self._assignments
        shapes = await group.shapes({*topics, *self._work_topics})
        self._answered_at = self._elapsed_s()
        if shapes is None:
            self._fault, self.reads_requests = None, True
            return
        standing = await self._standing(group)
        if assignment != self._assignments:
            return
        seen = {name: self._seen(name, shapes, standing) for name in topics}
        requests = [seen[name] for name in self._request_topics]
        self._note_work_fault(shapes)
        faults = (each.fault for each in requests if each.fault)
        self._fault = next(faults, self._work_fault)
        self.reads_requests = any(seen[name].is_read for name in self._callers_topics)
        if standing is None:
            is_idle = not self.reads_requests and not self._may_not_describe
            self._fault = self._fault or (REBALANCES if is_idle else None)
        else:
            await self._mend(group, [each for each in seen.values() if each.is_misassigned])

    def _note_work_fault(self, shapes: Mapping[str, TopicShape]) -> None:
        """Log a fault of the work topics once."""
        fault = work_topic_fault(
            self._work_topics, {name: each.partitions for name, each in shapes.items()}
        )
        if fault is not None and fault != self._work_fault:
            log.error("%s", fault)
        self._work_fault = fault

    async def _standing(self, group: Group) -> GroupStanding | None:
        try:
            return await group.standing()
        except KafkaError as error:
            if error.retriable:
                raise
            if not self._may_not_describe:
                log.warning(
                    "cannot read the group's assignment, so unassigned partitions are not "
                    "detected: %s; allow Describe on the group, and use the group for workers "
                    "only",
                    type(error).__name__,
                )
            self._may_not_describe = True
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
        """Trigger a rebalance for an incorrect assignment: at once, then at increasing intervals
        while it changes nothing.
        """
        now, wrong = self._elapsed_s(), {each.name: each.partitions for each in topics}
        if wrong != self._wrong:
            self._wrong, self._wait_s, self._rejoin_at = wrong, LOOK_EVERY_S, now
        if not wrong or now < self._rejoin_at:
            return
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        self._rejoin_at = now + self._wait_s
        log.warning("the assignment is outdated, rejoining the group for: %s", ", ".join(wrong))
        await group.rejoin()
