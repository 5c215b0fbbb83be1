"""One gateway process: ordered startup, service, and drain.

Startup: producer, reply reader at the end of its partitions, registry, HTTP. The endpoints are open
from the start of HTTP, and answer 503 until the registry is read to its end. Shutdown: no new
connections, open requests end within `gateway_drain_s`, then the clients of Kafka close.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import uvicorn

from core.background_tasks import cancelled
from core.clock import BrokerClock
from core.http_origin import is_loopback
from core.kafka.standalone.librdkafka_consumer import standalone
from core.ops_http import OpsPages, ops_server
from core.registry_signature import UnsignedRecordError
from schemas.errors import ConfigurationError
from schemas.topics import GATEWAY_REPLIES
from streams.client.connection import request_producer
from streams.client.request_publisher import BrokerWatch, KafkaRequestPublisher
from streams.gateway.application import gateway_application
from streams.gateway.context import GatewayContext
from streams.gateway.dispatch.reply_reader import ReplyReader
from streams.gateway.dispatch.stored_responses import StoredResponses
from streams.gateway.dispatch.submission import Submissions
from streams.gateway.dispatch.waiting import WaitingRequests
from streams.gateway.http_protocol import BoundedHttpProtocol
from streams.gateway.metrics import GatewayMetrics
from streams.gateway.settings import GatewaySettings
from streams.registry.live import LiveRegistry

log = logging.getLogger(__name__)

_REPLY_WAIT_MS = 100
_KEEP_ALIVE_S = 75
_OBSERVE_S = 1.0


class Gateway:
    """A gateway process."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._clock = BrokerClock()
        self._metrics = GatewayMetrics()
        self._waiting = WaitingRequests()
        self._registry = LiveRegistry(
            settings.tier_names,
            _log_invalid,
            keys=settings.registry_keys,
            on_unsigned=_log_unsigned,
        )
        self._watch: BrokerWatch | None = None
        self._server: uvicorn.Server | None = None
        self._failure: BaseException | None = None
        self.stopping = asyncio.Event()
        self.port = 0

    async def run(self) -> None:
        """Serve until `stop` is called or a fatal error occurs.

        Raises:
            ConfigurationError: it is open to callers without a key, and not bound to loopback.
            SluiceError: it could not start, or had to stop.
        """
        settings = self._settings
        if settings.gateway_open and not is_loopback(settings.gateway_host):
            raise ConfigurationError(
                f"SLUICE_GATEWAY_OPEN=1 serves anybody who reaches {settings.gateway_host}; bind "
                "the gateway to 127.0.0.1 (SLUICE_GATEWAY_HOST), or unset it and create keys: "
                "sluice keys create"
            )
        async with AsyncExitStack() as stack:
            pages = OpsPages(
                report=self.status,
                why_not_ready=self._why_not_ready,
                metrics=self._metrics.registry,
            )
            await stack.enter_async_context(
                ops_server(settings.gateway_ops_host, settings.gateway_ops_port, pages)
            )
            context = await self._context(stack)
            self._background(stack, self._registry.follow(settings.librdkafka))
            self._background(stack, self._observe())
            await self._serve(context)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Drain and shut down."""
        self.stopping.set()
        if self._server is not None:
            self._server.should_exit = True

    def status(self) -> dict[str, Any]:
        """Return what /health says."""
        is_away = self._watch is None or self._watch.is_away()
        return {
            "healthy": self._server is not None and not self.stopping.is_set() and not is_away,
            "port": self.port,
            "registry": self._registry.version,
            "waiting": len(self._waiting),
            "kafka_away": is_away,
        }

    async def _why_not_ready(self) -> str | None:
        if self.stopping.is_set():
            return "the gateway shuts down"
        if self._watch is None or self._watch.is_away():
            return "Kafka does not answer"
        return None if self._registry.version else "the registry is not read yet"

    async def _context(self, stack: AsyncExitStack) -> GatewayContext:
        settings, clock = self._settings, self._clock
        producer = request_producer(settings.kafka)
        await producer.start()
        stack.push_async_callback(producer.stop)
        watch = self._watch = BrokerWatch(producer)
        self._background(stack, watch.run())
        consumer = await stack.enter_async_context(
            standalone(settings.librdkafka, wait_ms=_REPLY_WAIT_MS)
        )
        lookups = await stack.enter_async_context(
            standalone(settings.librdkafka, wait_ms=_REPLY_WAIT_MS)
        )
        reads = await stack.enter_async_context(
            standalone(settings.librdkafka, wait_ms=_REPLY_WAIT_MS)
        )
        partitions = await consumer.partitions(GATEWAY_REPLIES)
        own = own_partitions(partitions, settings.gateway_partitions)
        reader = ReplyReader(consumer, lookups, self._waiting, clock.now)
        await reader.start(own)
        self._background(stack, reader.run())
        publisher = KafkaRequestPublisher(producer, clock, watch.is_away)
        return GatewayContext(
            settings=settings,
            registry=self._registry,
            submissions=Submissions(
                publisher, reader, self._waiting, clock, own=own, partitions=partitions
            ),
            stored=StoredResponses(reads, reader, self._waiting, clock.now),
            waiting=self._waiting,
            log=publisher,
            clock=clock,
            now_s=time.time,
            metrics=self._metrics,
        )

    async def _serve(self, context: GatewayContext) -> None:
        settings = self._settings
        listening = listen(settings.gateway_host, settings.gateway_port)
        self.port = listening.getsockname()[1]
        config = uvicorn.Config(
            gateway_application(context),
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            limit_concurrency=settings.gateway_max_connections,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(settings.gateway_drain_s) or 1,
        )
        server = self._server = uvicorn.Server(config)
        if self.stopping.is_set():
            return
        log.info("serving on http://%s:%d/v1", settings.gateway_host, self.port)
        await server.serve(sockets=[listening])
        self.stopping.set()

    async def _observe(self) -> None:
        """Keep the gauges, until cancelled."""
        counted = 0
        while True:
            self._metrics.waiting.set(len(self._waiting))
            self._metrics.kafka_away.set(self._watch is not None and self._watch.is_away())
            self._metrics.unreadable.inc(self._waiting.unreadable - counted)
            counted = self._waiting.unreadable
            await asyncio.sleep(_OBSERVE_S)

    def _background(self, stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        stack.push_async_callback(cancelled, task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        if self._failure is None:
            log.error("stopping: %s: %s", type(error).__name__, error, exc_info=error)
            self._failure = error
        self.stop()


def own_partitions(partitions: int, wanted: int) -> tuple[int, ...]:
    """Return the partitions that this process reads from its start, drawn at random: gateways need
    no names, and two that share one skip each other's replies.
    """
    count = min(wanted or max(partitions // 4, 1), partitions)
    return tuple(sorted(secrets.SystemRandom().sample(range(partitions), count)))


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConfigurationError: the address is in use, or not of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port}: {error.strerror}; set SLUICE_GATEWAY_HOST and "
            "SLUICE_GATEWAY_PORT"
        ) from error


async def _log_invalid(version: str, problem: str) -> None:
    log.error("registry %s: %s", version, problem)


async def _log_unsigned(error: UnsignedRecordError) -> None:
    log.error("%s", error)
