"""The alert service of a worker: one of all workers evaluates at a time, the others wait.

It works from the log alone, also while ClickHouse is down. It never fails its worker: errors are
logged, and it restarts from the log.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from aiokafka.errors import KafkaError

from schemas.errors import SluiceError
from streams.alerts.leader_session import AlertDependencies, LeaderSession

log = logging.getLogger(__name__)

AFTER_FAULT_S = 5.0
_LEAVE_S = 5.0


async def evaluate_alerts(deps: AlertDependencies) -> None:
    """Join the leader election, and evaluate while this process is the leader; until cancelled."""
    while True:
        try:
            await deps.log.start()
            while True:
                await deps.log.elected()
                log.info("this worker evaluates alert rules now")
                await LeaderSession(deps).serve()
                await deps.webhooks.stop()
                log.info("another worker evaluates alert rules now")
        except (KafkaError, SluiceError, OSError) as error:
            log.warning(
                "alert evaluation failed, restarting it: %s: %s", type(error).__name__, error
            )
        except Exception:
            log.exception("alert evaluation failed unexpectedly, restarting it")
        finally:
            await deps.webhooks.stop()
            await _step_back(deps)
        await deps.sleep(AFTER_FAULT_S)


async def _step_back(deps: AlertDependencies) -> None:
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(_LEAVE_S):
            await deps.log.stop()
