"""The latest evaluation of alert rules, stored as metadata of the evaluator's committed offset.

The evaluator commits on the one partition of `llm.alerts.v1`, in the group `<SLUICE_GROUP>-alerts`,
every few seconds after an evaluation. The record shows that rules were evaluated, not only that a
member of the group is alive. Like any commit it is fenced by the group's generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from schemas.encoding.value_checks import INT64_DIGITS
from schemas.topics import ALERTS

ALERT_PLACE = TopicPartition(ALERTS, 0)


def alert_group(group: str) -> str:
    """Return the group whose one active member evaluates alert rules, from the workers' group."""
    return f"{group}-alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvaluation:
    """The latest evaluation; `at` is broker time, ms."""

    worker: str
    at: int

    def encode(self) -> str:
        """Encode as metadata of a commit."""
        return f"{self.at} {self.worker}"

    @classmethod
    def decode(cls, metadata: str) -> AlertEvaluation | None:
        """Decode metadata of a commit; return `None` for any other metadata."""
        at, _, worker = metadata.partition(" ")
        is_time = at.isascii() and at.isdecimal() and len(at) <= INT64_DIGITS
        return cls(worker=worker, at=int(at)) if is_time and worker else None


async def read_evaluation(admin: AIOKafkaAdminClient, group: str) -> AlertEvaluation | None:
    """Read the latest evaluation by a worker of this group; return `None` if there is none.

    Raises:
        KafkaError: the broker did not answer.
    """
    try:
        found = await admin.list_consumer_group_offsets(
            alert_group(group), partitions=[ALERT_PLACE]
        )
    except GroupCoordinatorNotAvailableError:
        return None  # a cluster in which no group has committed yet
    committed = found.get(ALERT_PLACE)
    return None if committed is None else AlertEvaluation.decode(committed.metadata or "")


async def fetch_evaluation(kafka: Mapping[str, Any], group: str) -> AlertEvaluation | None:
    """Like `read_evaluation`, over its own connection."""
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        return await read_evaluation(admin, group)
    finally:
        await admin.close()
