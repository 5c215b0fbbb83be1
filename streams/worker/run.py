"""Runs one worker until SIGTERM: event loop, log, name."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import uuid

import uvloop

from core.environment import unknown_in_words
from core.kafka.connections import break_as_clients_expect
from core.kafka.preflight import check_connection
from core.process_log import set_up_log
from streams.membership.static_member import Member, anonymous_member, lock_name
from streams.worker.settings import WorkerSettings

log = logging.getLogger(__name__)

QUIET = ("aiokafka", "faust", "mode", "asyncio", "httpx", "httpcore", "aiohttp")
"""Loggers whose debug records Faust leaves enabled: 11 % of the CPU (measured)."""

END_S = 15.0
"""Time after the drain: to commit, to leave the group, to close connections."""


def run_worker(settings: WorkerSettings) -> None:
    """Run a worker to its end.

    Raises:
        SluiceError: it could not start, or had to stop.
    """
    set_up_log(settings.log_level, settings.log_format, quiet=QUIET)
    for line in unknown_in_words(os.environ):
        log.warning("%s", line)
    if settings.worker_instance is None:
        member = anonymous_member(uuid.uuid4().hex)
        uvloop.run(_run(settings, member))
        return
    with lock_name(settings.home / "workers", settings.worker_instance) as member:
        uvloop.run(_run(settings, member))


async def _run(settings: WorkerSettings, member: Member) -> None:
    break_as_clients_expect()
    await check_connection(settings.kafka)
    from streams.worker.process import Worker  # noqa: PLC0415 - Faust must find the loop in place

    # Objects of the startup live to the end. Each garbage collection over them took 35 ms
    # (measured),
    # and an answer of some thousand lists starts one.
    gc.collect()
    gc.freeze()
    worker = Worker(settings, member)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    work = asyncio.create_task(worker.run())
    limit_s = settings.drain_s + END_S
    if not await ends_in_time(work, worker.stopping, limit_s):
        log.error(
            "the shutdown takes longer than %g s (Kafka may be unreachable); exiting now. Other "
            "workers continue the open work from the journal",
            limit_s,
        )
        logging.shutdown()
        # Clients that wait for a broker delay the shutdown, and so do their threads.
        os._exit(1)
    await work


async def ends_in_time(work: asyncio.Task[None], ordered: asyncio.Event, limit_s: float) -> bool:
    """Wait for the end of `work`; return whether it comes within `limit_s` after `ordered`."""
    order = asyncio.create_task(ordered.wait())
    await asyncio.wait({work, order}, return_when=asyncio.FIRST_COMPLETED)
    order.cancel()
    done, _ = await asyncio.wait({work}, timeout=limit_s)
    return bool(done)
