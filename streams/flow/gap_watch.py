"""Detects records that retention removed before they were read.

The broker does not report it: a consumer whose position is gone continues at the oldest record. So
the first offsets of the partitions are checked periodically, and soon after a jump of offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping

from core.alert_port import Alerts
from schemas.alert_names import AlertName
from streams.flow.log_gaps import LogGap, LogGaps, Partition

log = logging.getLogger(__name__)

CHECK_EVERY_S = 10.0
SOON_S = 1.0
"""Interval between checks; the shorter one after a jump of offsets."""

Beginnings = Callable[[Collection[Partition]], Awaitable[Mapping[Partition, int]]]
"""Returns the first offset of each of some partitions.

Raises:
    Exception: the consumer's, while the broker is unavailable or partitions are being revoked.
"""


PassOver = Callable[[LogGap], Awaitable[None]]
"""Commits past a gap, unless an earlier offset is still in work.

Raises:
    Exception: the consumer's, as above.
"""


class GapWatch:
    """Checks the partitions of `owned` for gaps; `counted` receives topic and offsets of each."""

    def __init__(
        self,
        gaps: LogGaps,
        alerts: Alerts,
        *,
        owned: Callable[[], Collection[Partition]],
        beginnings: Beginnings,
        counted: Callable[[str, int], None],
        pass_over: PassOver,
    ) -> None:
        self._gaps = gaps
        self._alerts = alerts
        self._owned = owned
        self._beginnings = beginnings
        self._counted = counted
        self._pass_over = pass_over

    async def run(self) -> None:
        """Check until cancelled."""
        since = 0.0
        while True:
            await asyncio.sleep(SOON_S)
            since += SOON_S
            if self._gaps.noticed or since >= CHECK_EVERY_S:
                since = 0.0
                await self.check()

    async def check(self) -> None:
        """Check once, and raise alerts for gaps."""
        owned = self._owned()
        if not owned:
            return
        try:
            begin = await self._beginnings(owned)
        except Exception as error:  # noqa: BLE001 - the next check retries
            log.debug("cannot read the beginning offsets, retrying: %s", error)
            return
        for gap in self._gaps.find(begin):
            await self._raise_alert(gap)
            try:
                await self._pass_over(gap)
            except Exception as error:  # noqa: BLE001 - the partition's next owner reports it again
                log.debug("cannot skip a gap, the next owner of the partition retries: %s", error)

    async def _raise_alert(self, gap: LogGap) -> None:
        self._counted(gap.topic, gap.most_records)
        await self._alerts.fire(
            AlertName.LOG_GAP,
            f"{gap.topic}:{gap.partition}:{gap.first}-{gap.last}",
            f"retention removed offsets {gap.first} to {gap.last} of {gap.topic}, partition "
            f"{gap.partition}, before they were read; those requests get no reply. Add workers, "
            "or raise retention.ms of the topic.",
        )
