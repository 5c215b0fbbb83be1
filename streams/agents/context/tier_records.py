"""Conversion of a hop's message to a record of its tier's topic, and back."""

from __future__ import annotations

from dataclasses import replace

from core.codecs import Codecs
from core.kafka.incoming_message import Incoming
from core.kafka.producer import Outgoing
from schemas.encoding.avro_mapping import as_record, from_record
from schemas.errors import UndecodableError
from schemas.journal_headers import DIGEST, HOP, ORIGIN, VISIT, count_in, header_values
from schemas.records import TierMessage
from schemas.topics import tier_topic, wait_topic
from streams.journal.admission import HopMessage

PRIORITY_QUALITY = "best"

BOUND_FOR = "bound-for"
"""Header of a record on a wait topic: the tier topic to return to."""


def tier_record(hop: TierMessage, codecs: Codecs) -> Outgoing:
    """Return the record that hands a hop to its tier; its headers suffice to admit it undecoded."""
    return Outgoing(
        topic=tier_topic(hop.tier, high=hop.quality == PRIORITY_QUALITY),
        key=hop.key,
        value=codecs.tier_message.encode(as_record(hop)),
        headers=[
            (HOP, b"%d" % hop.hop),
            (VISIT, b"%d" % hop.visit),
            (ORIGIN, hop.source.place.encode()),
            (DIGEST, hop.reply_to.digest.encode()),
        ],
    )


async def read_hop(message: Incoming, codecs: Codecs) -> TierMessage:
    """Decode the hop in a record of a tier's topic.

    Raises:
        UndecodableError: the record holds no hop.
    """
    if message.value is None:
        raise UndecodableError("the value is null")
    return from_record(TierMessage, await codecs.decode(codecs.tier_message, message.value))


def wait_record(record: Outgoing, delay_s: int, partition: int) -> Outgoing:
    """Return a tier record for a wait topic, on the same partition number."""
    return replace(
        record,
        topic=wait_topic(delay_s),
        headers=[*record.headers, (BOUND_FOR, record.topic.encode())],
        partition=partition,
    )


def hop_message(message: Incoming) -> HopMessage:
    """Read key and headers of a tier record.

    Raises:
        UndecodableError: the record is not one of Sluice's.
    """
    found = header_values(message.headers)
    if not message.key:
        raise UndecodableError("not a tier message: it has no key")
    try:
        return HopMessage(
            identity=message.key,
            hop=count_in(found, HOP),
            visit=count_in(found, VISIT),
            origin=found[ORIGIN].decode(),
            digest=found[DIGEST].decode(),
        )
    except (KeyError, ValueError) as error:
        raise UndecodableError(f"not a tier message: {error}") from None
