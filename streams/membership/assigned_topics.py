"""Whether the topics of a worker exist, and the group's assignment of them is correct. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTopic:
    """A topic as it is (`exists`, `partitions`) and as its consumer group has assigned it: `given`
    are the partitions of any member, `owned` those of this worker. `is_anew` says that this worker
    reads an earlier topic of the same name; `members` is the number of members. While the group
    rebalances, `given` and `members` are `None`.
    """

    name: str
    exists: bool
    partitions: int
    given: frozenset[int] | None
    owned: tuple[int, ...]
    is_anew: bool = False
    members: int | None = None

    @property
    def is_misassigned(self) -> bool:
        """Return whether the group must rebalance."""
        if self.is_anew:
            return True
        return self.given is not None and self.given != frozenset(range(self.partitions))

    @property
    def is_read(self) -> bool:
        """Return whether this worker reads existing partitions of it."""
        return (
            self.exists and not self.is_anew and any(each < self.partitions for each in self.owned)
        )

    @property
    def fault(self) -> str | None:
        """Return why its messages are not read correctly; `None` if they are.

        A worker without a partition is correct if there are more workers than partitions.
        """
        if not self.exists:
            return f"the request topic {self.name} does not exist; create it: sluice topics create"
        if self.is_anew:
            return f"the request topic {self.name} was recreated and is not assigned yet"
        if self.given is not None and self.is_misassigned:
            assigned = sum(each < self.partitions for each in self.given)
            return (
                f"the request topic {self.name} has {self.partitions} partitions, of which "
                f"{assigned} are assigned yet"
            )
        if not self.owned and self.members is not None and self.members <= self.partitions:
            return (
                f"this worker has none of the {self.partitions} partitions of {self.name}, though "
                f"its group has only {self.members} members"
            )
        return None


def work_topic_fault(names: Collection[str], partitions: Mapping[str, int]) -> str | None:
    """Return what is wrong with the tier, wait and event topics, which share one partition count;
    `None` if nothing is. `partitions` has the existing topics.
    """
    missing = [name for name in names if name not in partitions]
    if missing:
        more = f" (and {len(missing) - 1} more)" if missing[1:] else ""
        return f"the topic {missing[0]} does not exist{more}; create it: sluice topics create"
    most = max((partitions[name] for name in names), default=0)
    narrow = next((name for name in names if partitions[name] < most), None)
    if narrow is None:
        return None
    return (
        f"the topic {narrow} has {partitions[narrow]} partitions, other tier, wait and event "
        f"topics have {most}; add partitions: kafka-topics.sh --alter --topic {narrow} "
        f"--partitions {most}"
    )
