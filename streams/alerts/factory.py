"""Opens the alert service of a worker: broker, operator policy, a separate HTTP transport."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from typing import Any

from core.clock import Clock
from core.codecs import Codecs
from core.kafka.producer import Publisher
from schemas.alert_evaluation import alert_group
from schemas.encoding.codec import Codec
from streams.alerts.leader_session import AlertDependencies, Rules
from streams.alerts.log.kafka_alert_log import KafkaAlertLog
from streams.alerts.log.lease_times import LeaseTimes
from streams.alerts.webhooks.webhook_delivery import WebhookSender
from streams.alerts.webhooks.webhook_queues import Webhooks
from streams.bad_input.bad_records import BadRecords
from streams.observability.metrics import WorkerMetrics
from streams.providers.http.operator_policy import HostPolicy, KeyRing
from streams.providers.http.pooled_client import PooledHttpClient


def open_alerts(
    stack: AsyncExitStack,
    *,
    kafka: Mapping[str, Any],
    group: str,
    lag_groups: Collection[str],
    publisher: Publisher,
    codecs: Codecs,
    alert_codec: Codec,
    rules: Callable[[], Rules],
    hosts: HostPolicy,
    keys: KeyRing,
    clock: Clock,
    name: str,
    metrics: WorkerMetrics,
    bad: BadRecords,
    times: LeaseTimes,
) -> AlertDependencies:
    """Return the dependencies of `evaluate_alerts`; the stack closes the webhooks' connections.

    `group` is the workers' group, `lag_groups` are those of lag rules (workers and sinks), `rules`
    returns those of the current registry version, `times` define when another worker takes over.
    """
    client = PooledHttpClient(loopback=False)
    stack.push_async_callback(client.close)
    courier = WebhookSender(hosts=hosts, keys=keys, client=client, sleep=asyncio.sleep)
    return AlertDependencies(
        log=KafkaAlertLog(kafka, alert_group(group), clock.now, times),
        publisher=publisher,
        codecs=codecs,
        alert_codec=alert_codec,
        rules=rules,
        webhooks=Webhooks(courier.deliver, ended=metrics.webhook_ended),
        clock=clock,
        name=name,
        groups=lag_groups,
        times=times,
        changed=metrics.alert_changed,
        bad=bad,
    )
