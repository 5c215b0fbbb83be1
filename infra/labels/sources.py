"""Sources of labels and of the current policy: ClickHouse, the request topics, the
registry topic.
"""

from __future__ import annotations

from typing import Any

from core.schema_registry import known_schemas
from infra.devstack.addresses import clickhouse_address, librdkafka_connection
from infra.labels.gathering import Gathered, gather
from infra.labels.judged_answers import judged_answers
from infra.labels.kafka_log import KafkaPromptLog
from infra.settings import InfraSettings
from schemas.encoding.codec import Codec
from sinks.analytics.named_queries import question
from sinks.analytics.query_runner import TimeRange, ask
from sinks.settings import SinkSettings
from streams.registry.registry_topic import read_history
from streams.routing.snapshot import RegistrySnapshot


async def labels_from_tables(between: TimeRange, *, by: str) -> Gathered:
    """Return labels of requests that ended in this range, columns `by` tier or model.

    Raises:
        SinkError: ClickHouse does not respond, or rejects the query.
        KafkaAwayError: the broker stopped responding.
        LocalStackError: no address is set and no local pipeline runs.
    """
    settings = SinkSettings(clickhouse_url=clickhouse_address(InfraSettings()))
    rows = ask(question("labels"), settings, range_=between).by_name()
    known = known_schemas(settings.schema_registry_url)
    try:
        return await gather(
            judged_answers(rows),
            KafkaPromptLog(_librdkafka()),
            Codec("Request", known),
            by=by,
            learn=known.learn if known is not None else None,
        )
    finally:
        if known is not None:
            await known.close()


async def current_snapshot() -> RegistrySnapshot | None:
    """Return the snapshot of the current registry version; `None` without one.

    Raises:
        RegistryError: the current version does not validate.
        LocalStackError: no address is set and no local pipeline runs.
    """
    history = await read_history(_librdkafka(), keys=InfraSettings().registry_keys)
    pointer = history.current
    return None if pointer is None else history.version(pointer.version).snapshot


def _librdkafka() -> dict[str, Any]:
    return librdkafka_connection(InfraSettings())
