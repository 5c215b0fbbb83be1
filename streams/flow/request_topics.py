"""Whether a worker has the request partitions that it should have. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTopic:
    """A request topic as it is (`exists`, `partitions`), and as it was when the group gave its
    partitions out: `assigned` of them, 0 where that is not known, `owned` by this worker. `is_anew`
    says that it is another topic of the same name; `members` is how many share the partitions,
    where that was asked.
    """

    name: str
    exists: bool
    partitions: int
    assigned: int
    owned: Collection[int]
    is_anew: bool = False
    members: int | None = None

    @property
    def fault(self) -> str | None:
        """Why its requests are not taken as they should be; `None` where they are.

        A worker without a partition is in order where there are more workers than partitions.
        """
        if not self.exists:
            return f"the request topic {self.name} does not exist; create it: sluice topics create"
        if self.is_anew:
            return f"the request topic {self.name} was made anew and is not assigned yet"
        if self.assigned and self.partitions != self.assigned:
            return (
                f"the request topic {self.name} has {self.partitions} partitions, of which "
                f"{min(self.assigned, self.partitions)} are assigned yet"
            )
        if not self.owned and self.members is not None and self.members <= self.partitions:
            return (
                f"this worker has none of the {self.partitions} partitions of {self.name}, though "
                f"its group has only {self.members} members"
            )
        return None
