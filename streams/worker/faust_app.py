"""The Faust application: topics and agents, and the settings that make Faust safe.

Faust only delivers messages: it commits what `TopicDispatcher` releases, produces nothing and keeps
no tables. Each setting below answers a measurement (design, section 9).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import faust
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials

from core.kafka.incoming_message import Incoming
from schemas.journal_headers import without_nulls
from streams.flow.dispatcher import TopicDispatcher
from streams.membership.assignor import GroupAssignor
from streams.membership.faust_transport import Transport
from streams.offset_metadata.delivery_attempts import DeliveryAttempts
from streams.worker.settings import WorkerSettings

METADATA_MAX_AGE_MS = 5_000
"""Metadata age after which the group leader sees new partitions by itself, if
`streams.membership.topology_watch` may not query the group.
"""

NEVER_IDLE_S = 10 * 365 * 86_400.0
"""A consumer without partitions, or one that waits for slots, does not poll meanwhile. It must not
leave its group for that: aiokafka rejoins only when it is polled.
"""

STREAM_BUFFER = 1_024
MAX_POLL_RECORDS = 256


def build_app(
    settings: WorkerSettings, instance_id: str | None, attempts: DeliveryAttempts
) -> faust.App:
    """Return a Faust app without agents; `attempts` keeps the marks of assigned partitions."""
    app = faust.App(
        settings.group,
        broker="aiokafka://" + settings.kafka_bootstrap_servers.replace(",", ";"),
        broker_credentials=_credentials(settings.kafka),
        store="memory://",
        cache="memory://",
        autodiscover=False,
        web_enabled=False,
        value_serializer="raw",
        key_serializer="raw",
        topic_allow_declare=False,
        topic_disable_leader=True,
        processing_guarantee="at_least_once",
        consumer_group_instance_id=instance_id,
        consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
        stream_buffer_maxsize=STREAM_BUFFER,
        stream_recovery_delay=0.0,
        broker_commit_interval=1.0,
        broker_commit_every=1_000,
        broker_max_poll_records=MAX_POLL_RECORDS,
        broker_max_poll_interval=NEVER_IDLE_S,
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=min(3.0, settings.session_timeout_s / 4),
        broker_rebalance_timeout=60.0,
        broker_request_timeout=max(90.0, settings.session_timeout_s + 30),
        broker_check_crcs=False,
        producer_acks=-1,
        producer_request_timeout=30.0,
        consumer_max_fetch_size=4 * 1024 * 1024,
        reply_create_topic=False,
        agent_supervisor=None,
        PartitionAssignor=GroupAssignor,
    )
    app.transport = Transport(
        app.conf.broker_consumer,
        app,
        attempts=attempts,
        librdkafka=settings.librdkafka,
    )
    return app


def _credentials(kafka: Mapping[str, Any]) -> Any:
    """Return the connection settings of aiokafka for Faust; `None` for a plaintext connection."""
    context = kafka.get("ssl_context")
    mechanism = kafka.get("sasl_mechanism")
    if mechanism == "OAUTHBEARER":
        return OAuthCredentials(oauth_cb=kafka["sasl_oauth_token_provider"], ssl_context=context)
    if mechanism is not None:
        return SASLCredentials(
            username=kafka["sasl_plain_username"],
            password=kafka["sasl_plain_password"],
            ssl_context=context,
            mechanism=mechanism,
        )
    return None if context is None else SSLCredentials(context)


def register_agents(
    app: faust.App,
    intakes: Mapping[str, TopicDispatcher],
    on_fatal: Callable[[BaseException], None],
) -> None:
    """Register an agent for each topic, which passes its stream to the dispatcher."""
    for topic, intake in intakes.items():
        _agent(app, topic, intake, on_fatal)


def _agent(
    app: faust.App, topic: str, intake: TopicDispatcher, on_fatal: Callable[[BaseException], None]
) -> None:
    async def take_all(stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                await intake.take(incoming(event.message), event)
            except Exception as error:  # noqa: BLE001 - Faust would skip the message and go on
                on_fatal(error)

    app.agent(app.topic(topic), name=f"take {topic}")(take_all)


def incoming(message: Any) -> Incoming:
    """Convert a Faust message: Faust counts seconds, and a null header counts as an empty one."""
    return Incoming(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        timestamp=round(message.timestamp * 1000),
        key=message.key,
        value=message.value,
        headers=without_nulls(message.headers or ()),
        generation=message.generation_id,
    )
