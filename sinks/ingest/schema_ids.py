"""Lookup of schema ids before records are decoded, so that decoding never waits.

Nothing is stored past an unreachable schema registry: a valid event would become a dead letter.
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
    """Look up every schema id among the records; return early on stop."""
    ids = {schema_id_of(record.value or b"") for record in records}
    for schema_id in sorted(each for each in ids if each is not None):
        for delay in delays():
            try:
                await known.learn(schema_id)
            except SchemaRegistryAwayError as error:
                status.failing(str(error))
                log.warning("lookup of schema id %d failed, retrying: %s", schema_id, error)
                await asyncio.sleep(delay)
            except UndecodableError as error:
                log.warning("%s", error)
                break
            else:
                break
            if stop.is_set():
                return
