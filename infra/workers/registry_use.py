"""Use of a registry version by the workers, by their statuses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.workers.status_topic import status_topic
from schemas.worker_status import WorkerStatus

USED_BY_S = 10.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryUse:
    """Workers that use a version, that rejected it with the reason, and that have not reported."""

    used_by: tuple[str, ...] = ()
    refused: Mapping[str, str]
    silent: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Return whether every worker has reported."""
        return not self.silent


def registry_use(workers: Sequence[WorkerStatus], version: str) -> RegistryUse:
    """Return the use of a version by these workers. Pure."""
    used = tuple(each.worker for each in workers if each.registry == version)
    refused = {
        each.worker: each.problem
        for each in workers
        if each.refused == version and each.worker not in used
    }
    silent = tuple(
        each.worker for each in workers if each.worker not in used and each.worker not in refused
    )
    return RegistryUse(used_by=used, refused=refused, silent=silent)


async def until_used(
    librdkafka: Mapping[str, Any], version: str, timeout_s: float = USED_BY_S
) -> RegistryUse:
    """Wait until every running worker uses the version or has rejected it."""
    until = time.monotonic() + timeout_s
    async with status_topic(librdkafka) as topic:
        while True:
            workers = [] if topic is None else await topic.alive()
            use = registry_use(workers, version)
            if use.settled or time.monotonic() > until:
                return use
            await asyncio.sleep(_LOOK_S)
