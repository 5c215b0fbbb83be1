"""Whether the group's assignment of a topic is correct. Pure."""

from __future__ import annotations

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
