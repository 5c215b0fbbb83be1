"""Schema ids of what was read are learnt before it is opened, so that reading never waits.

Nothing is stored past a schema registry that is away: a dead letter would be made of a good event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from core.schema_registry import KnownSchemas
from schemas.encoding.codec import schema_id_of
from schemas.errors import SchemaRegistryAwayError, UndecodableError
from sinks.ingest.partition_writer import delays
from sinks.rows.log_position import LogRecord
from sinks.status import SinkStatus

log = logging.getLogger(__name__)


async def learn_ids(
    records: Iterable[LogRecord], known: KnownSchemas, status: SinkStatus, stop: asyncio.Event
) -> None:
    """Learn every schema id among the records; returns early when told to stop."""
    ids = {schema_id_of(record.value or b"") for record in records}
    for schema_id in sorted(each for each in ids if each is not None):
        for delay in delays():
            try:
                await known.learn(schema_id)
            except SchemaRegistryAwayError as error:
                status.failing(str(error))
                log.warning("schema id %d is asked for again: %s", schema_id, error)
                await asyncio.sleep(delay)
            except UndecodableError as error:
                log.warning("%s", error)
                break
            else:
                break
            if stop.is_set():
                return
