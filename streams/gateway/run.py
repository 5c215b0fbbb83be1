"""Runs one gateway until SIGTERM: event loop and log."""

from __future__ import annotations

import asyncio
import logging
import os
import signal

import uvloop

from core.environment import unknown_in_words
from core.kafka.connections import break_as_clients_expect
from core.kafka.preflight import check_connection
from core.process_log import set_up_log
from streams.gateway.process import Gateway
from streams.gateway.settings import GatewaySettings

log = logging.getLogger(__name__)

QUIET = ("aiokafka", "asyncio", "uvicorn")


def run_gateway(settings: GatewaySettings) -> None:
    """Run a gateway to its end.

    Raises:
        SluiceError: it could not start, or had to stop.
    """
    set_up_log(settings.log_level, settings.log_format, quiet=QUIET)
    for line in unknown_in_words(os.environ):
        log.warning("%s", line)
    uvloop.run(_run(settings))


async def _run(settings: GatewaySettings) -> None:
    break_as_clients_expect()
    await check_connection(settings.kafka)
    gateway = Gateway(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.stop)
    await gateway.run()
