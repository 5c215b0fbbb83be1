"""Runs one worker until SIGTERM: its event loop, its log, its name."""

from __future__ import annotations

import asyncio
import logging
import signal
import uuid

import uvloop

from schemas.kafka_knock import knock
from streams.flow.membership import Member, anonymous_member, lock_name
from streams.settings import WorkerSettings

QUIET = ("aiokafka", "faust", "mode", "asyncio", "httpx", "httpcore", "aiohttp")
"""Loggers whose debug records Faust leaves switched on: 11 % of the CPU (measured)."""


def run_worker(settings: WorkerSettings) -> None:
    """Run a worker to its end.

    Raises:
        SluiceError: it could not start, or had to stop.
    """
    _set_up_log(settings.log_level)
    if settings.worker_instance is None:
        member = anonymous_member(uuid.uuid4().hex)
        uvloop.run(_run(settings, member))
        return
    with lock_name(settings.home / "workers", settings.worker_instance) as member:
        uvloop.run(_run(settings, member))


async def _run(settings: WorkerSettings, member: Member) -> None:
    await knock(settings.kafka)
    from streams.worker import Worker  # noqa: PLC0415 - Faust must find the loop in place

    worker = Worker(settings, member)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    await worker.run()


def _set_up_log(level: str) -> None:
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
