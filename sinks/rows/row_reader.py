"""Conversion of a log record to the Avro bytes of its row, or to the reason for a failure.

An event in the current schema passes unchanged. An older version, another framing or JSON is
decoded and encoded again. A careful reader decodes every event to verify it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from core.registry_signature import RegistryKeys
from schemas.encoding.codec import CONFLUENT_MARK, Codec, Format, SchemaIds, single_object_header
from schemas.errors import UndecodableError
from schemas.topics import (
    ALERTS,
    COST,
    OUTCOMES,
    QUALITY,
    REGISTRY,
    REPLAY_DECISIONS,
)
from sinks.rows.dedup import CallRepeats, HopRepeats, NoRepeats, Repeats
from sinks.rows.document_rows import dead_letter, registry_entry
from sinks.rows.log_position import LogRecord
from sinks.rows.tables import EventTable, table_of

EVENT_VALUES = {
    COST: "CostEvent",
    QUALITY: "QualityEvent",
    OUTCOMES: "OutcomeEvent",
    ALERTS: "Alert",
    REPLAY_DECISIONS: "ReplayDecision",
}
"""Event topics and the record type of each."""

Read = Callable[[LogRecord], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """Reader for the records of a topic.

    `read` and `read_carefully` return the row's Avro bytes and raise `UndecodableError`; the second
    verifies that the bytes are such an event.
    """

    table: EventTable
    repeats: Repeats
    read: Read
    read_carefully: Read


class AvroRowReader:
    """Reads events from Avro topics; `headers` are the prefixes of events in the current schema.

    `header` is the one of the single-object encoding.
    """

    def __init__(self, name: str, ids: SchemaIds | None = None) -> None:
        self.codec = Codec(name, ids)
        self.header = single_object_header(name)
        self.headers: tuple[bytes, ...] = (self.header,)
        if ids is not None:
            self.headers += (CONFLUENT_MARK + ids.id_of(name).to_bytes(4, "big"),)

    def read(self, record: LogRecord) -> bytes:
        """Return the event's bytes in the current schema, unverified if they arrived in it.

        Raises:
            UndecodableError: the bytes do not contain an event.
        """
        value = record.value
        if value is None:
            raise UndecodableError("the value is null")
        for header in self.headers:
            if value.startswith(header):
                return value[len(header) :]
        return self._reencoded(value)

    def read_carefully(self, record: LogRecord) -> bytes:
        """Return the event's bytes in the current schema, verified by decoding.

        Raises:
            UndecodableError: the bytes do not contain an event.
        """
        if record.value is None:
            raise UndecodableError("the value is null")
        return self._reencoded(record.value)

    def _reencoded(self, value: bytes) -> bytes:
        event = self.codec.decode(value)
        try:
            encoded = self.codec.encode(event, Format.SINGLE_OBJECT)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise UndecodableError(
                f"the fields do not match the schema of {self.codec.name}: {type(error).__name__}"
            ) from None
        return encoded[len(self.header) :]


def reader_of(
    topic: str, ids: SchemaIds | None = None, keys: RegistryKeys | None = None
) -> RowReader:
    """Return the reader of a topic that the sink reads; with `keys`, registry records must be
    signed.

    Raises:
        KeyError: the sink does not read this topic.
    """
    table = table_of(topic)
    if topic in EVENT_VALUES:
        events = AvroRowReader(EVENT_VALUES[topic], ids)
        return RowReader(
            table=table,
            repeats=_repeats(topic, events.codec),
            read=events.read,
            read_carefully=events.read_carefully,
        )
    read: Read = partial(registry_entry, keys=keys) if topic == REGISTRY else dead_letter
    return RowReader(table=table, repeats=NoRepeats(), read=read, read_carefully=read)


def _repeats(topic: str, codec: Codec) -> Repeats:
    if topic == OUTCOMES:
        return HopRepeats(codec)
    return CallRepeats(codec) if topic == COST else NoRepeats()
