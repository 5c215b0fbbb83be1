"""Runs one sink until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from core.environment import unknown_in_words
from core.kafka.connections import break_as_clients_expect
from core.kafka.preflight import check_connection
from core.ops_http import OpsPages, ops_server
from core.process_log import set_up_log
from core.schema_registry import KnownSchemas, known_schemas
from sinks.clickhouse.clickhouse_store import ClickHouseStore
from sinks.clickhouse.connection import knock_at_clickhouse
from sinks.clickhouse.measured_store import MeasuredStore
from sinks.clickhouse.ping import Reachable
from sinks.clickhouse.store import Store
from sinks.clock import SystemClock
from sinks.ingest.alert_watch import AlertWatch, watch_alerts
from sinks.ingest.bad_records import BadRecordReports, report_bad_records
from sinks.ingest.combined_inserts import CombiningStore
from sinks.ingest.consumer import make_consumer
from sinks.ingest.partition_writer import delays
from sinks.ingest.sink import Sink
from sinks.metrics import SinkMetrics
from sinks.rows.batch import BatchLimits
from sinks.rows.row_reader import EVENT_VALUES
from sinks.rows.tables import topic_pattern
from sinks.settings import SinkSettings
from sinks.status import SinkStatus, why_not_ready

log = logging.getLogger(__name__)

LEAVE_S = 3.0
GC_THRESHOLD = 200_000
"""New objects between two runs of the cycle collector."""
QUIET = ("aiokafka", "asyncio", "aiohttp", "clickhouse_connect")
"""Loggers whose informational records are suppressed."""


async def run_sink(settings: SinkSettings, stop: asyncio.Event | None = None) -> None:
    """Run a sink until `stop` is set, or, without one, until SIGTERM or SIGINT.

    Raises:
        LogRecreatedError: a topic was deleted and recreated.
        ConfigurationError: the settings are invalid, or Kafka rejected the connection.
    """
    # Rows are many and never in cycles; the default cycle collection takes a fifth of the sink's
    # CPU.
    gc.set_threshold(GC_THRESHOLD)
    if stop is None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    status = SinkStatus(instance=settings.sink_instance)
    metrics, clock = SinkMetrics(), SystemClock()
    measured = MeasuredStore(ClickHouseStore(settings), metrics, clock)
    store = CombiningStore(measured, BatchLimits.of(settings))
    reachable = Reachable(settings.clickhouse_url, clock, settings.clickhouse_tls)
    pages = OpsPages(
        report=status.report,
        why_not_ready=lambda: why_not_ready(status.report(), reachable),
        metrics=metrics.registry,
    )
    known = known_schemas(settings.schema_registry_url)
    async with ops_server(settings.sink_host, settings.sink_port, pages) as port:
        log.info("sink %s: health on http://%s:%d", status.instance, settings.sink_host, port)
        try:
            if known is not None:
                await known.register(EVENT_VALUES.values())
            await _consume(settings, store, status, metrics, known=known, stop=stop)
        finally:
            if known is not None:
                await known.close()
            await store.close()


async def _consume(
    settings: SinkSettings,
    store: Store,
    status: SinkStatus,
    metrics: SinkMetrics,
    *,
    known: KnownSchemas | None,
    stop: asyncio.Event,
) -> None:
    consumer = await _started(settings, status, stop)
    if consumer is None:
        return
    bad = BadRecordReports(
        SystemClock(),
        settings.sink_instance,
        lambda topic: metrics.bad_records.labels(topic).inc(),
    )
    sink = Sink(settings, store, SystemClock(), status, consumer, known=known, on_bad=bad.note)
    watch = AlertWatch(
        SystemClock(), overdue_s=settings.alerts_overdue_s, instance=settings.sink_instance
    )
    status.alert_evaluation = watch.report
    metrics.observe(status, sink.lag, sink.held_bytes, lambda: watch.age_s)
    consumer.subscribe(pattern=topic_pattern(settings.request_topic_names), listener=sink)
    beside = (
        asyncio.create_task(watch_alerts(watch, settings, known)),
        asyncio.create_task(report_bad_records(bad, settings, known)),
    )
    try:
        await sink.run(stop)
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await consumer.stop()


async def _started(
    settings: SinkSettings, status: SinkStatus, stop: asyncio.Event
) -> AIOKafkaConsumer | None:
    """Return a consumer connected to Kafka; `None` if stopped before."""
    break_as_clients_expect()
    await check_connection(settings.kafka)
    await knock_at_clickhouse(settings)
    for delay in delays():
        consumer = make_consumer(settings)
        try:
            await consumer.start()
        except KafkaError as error:
            status.failing(f"Kafka: {error}")
            log.warning("Kafka is unreachable, retrying: %s", error)
            await consumer.stop()
        else:
            return consumer
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await stop.wait()
        if stop.is_set():
            break
    return None


def prepare_log(settings: SinkSettings) -> None:
    """Log to stderr, without informational records of libraries, and report unknown settings."""
    set_up_log(settings.log_level, settings.log_format, quiet=QUIET, quiet_level=logging.ERROR)
    for line in unknown_in_words(os.environ):
        log.warning("%s", line)
